import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { ApplyModulesTaskSchema, CellStage } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { Logger } from '../logger.ts'
import type { AgentServices } from '../services.ts'
import { applyModules } from '../tasks/apply-modules.ts'
import { limitsOf, requireStage } from '../tasks/cell-input.ts'
import { withoutLeftovers } from '../tasks/leftovers.ts'
import type { TaskContext } from '../tasks/task.ts'
import type { Base } from './bases.ts'
import { findPasswords, giveIdentity } from './identity.ts'
import { type BaseRecipe, baseIdOf } from './recipe.ts'

export type MakingServices = Pick<AgentServices, 'cells' | 'pool' | 'docker' | 'workDirectory' | 'bases'>

/** No environment's. */
const nobody = '00000000-0000-8000-8000-000000000000'

/** One processor: what is served goes before it. */
const resources = { memoryBytes: 0n, milliCpus: 1_000, maxProcesses: 0 }

/**
 * Makes a base, as a build installs: the same cluster, the same `odoo -i base` of the same image, by nothing of any project
 * and with nobody's secrets. It is in the pool once it is whole. Killed, it leaves a throwaway cell and its containers, which
 * go with the next start; aborted, nothing.
 */
export async function makeBase(
  services: MakingServices,
  recipe: BaseRecipe,
  log: Logger,
  signal: AbortSignal,
): Promise<Base> {
  const { cells, pool } = services
  const { image, postgresImage, demo } = recipe
  const cellId = randomUUID()
  const context = contextOfMaking(log, signal)
  const stage = requireStage(CellStage.DEVELOPMENT)
  const limits = limitsOf(stage, undefined)
  try {
    await cells.create(
      { id: cellId, environmentId: nobody, stage, postgresImage, limits, throwaway: true },
      context,
    )
    const input = create(ApplyModulesTaskSchema, {
      cellId,
      image,
      install: ['base'],
      demo,
      expectInstalled: ['base'],
      baseImage: image,
      resources,
    })
    const { installed: modules } = await withoutLeftovers(services, applyModules(services))(input, context)
    const cell = await pool.requireCell(cellId)
    const users = await findPasswords(cell, signal)
    // What fails here would fail for each copy.
    await giveIdentity(cell, { modules, users }, signal)
    const id = baseIdOf(recipe)
    await cells.snapshot(
      { id, cellId, purpose: 'base', quiesce: true, base: { image, demo, modules, users } },
      context,
    )
    return (await pool.requireSnapshot(id)) as Base
  } finally {
    // Not under the signal: one that was aborted leaves nothing either.
    await cells.destroy(cellId, false, contextOfMaking(log, new AbortController().signal))
  }
}

/** What a task is given, for work that no server knows of: no lease to lose, no secrets, nobody to tell. */
function contextOfMaking(log: Logger, signal: AbortSignal): TaskContext {
  const done = new Map<string, unknown>()
  return {
    taskId: randomUUID(),
    epoch: 1,
    runId: '',
    project: '',
    owner: { projectId: '', environmentId: '' },
    signal,
    log: (source, text) => log.debug({ source, text }, 'making a base'),
    logPosition: () => undefined,
    logFrom: (source, text) => log.debug({ source, text }, 'making a base'),
    secrets: async () => ({}),
    warn: (text) => log.warn({ text }, 'making a base'),
    found: () => {},
    artifact: () => {},
    async once<T>(name: string, effect: () => Promise<T>): Promise<T> {
      if (!done.has(name)) done.set(name, await effect())
      return done.get(name) as T
    },
    async requireLease() {
      signal.throwIfAborted()
    },
  }
}
