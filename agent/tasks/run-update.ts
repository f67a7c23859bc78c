import type { ApplyModulesTask, UpdateObservation } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { ContainerEnd } from '../containers/follow.ts'
import { databaseOptions, odooContainer } from '../containers/odoo-options.ts'
import { hasOneOff, runOneOff } from '../containers/one-off.ts'
import { createTraceReader } from '../observe/log-issues.ts'
import { type UpdateWatch, watchUpdate } from '../observe/watch-update.ts'
import type { OwnModules } from '../odoo/cause.ts'
import { renameModules } from '../odoo/rename-modules.ts'
import { createUpdateLogReader, type UpdateLog } from '../odoo/update-log.ts'
import { findUpdateFailure } from '../odoo/verdict.ts'
import type { Cell } from '../storage/records.ts'
import type { OdooCell, OdooCellServices } from './odoo-cell.ts'
import type { TaskContext } from './task.ts'
import { taskDirectory } from './task-directory.ts'

const oneOffName = 'update'

export interface Updated {
  log: UpdateLog
  /** Where the task asks for it. */
  observation: UpdateObservation | undefined
}

/**
 * Renames, and then Odoo's own run in a container of its own: watched together if asked, and judged by its end and its log.
 *
 * @throws TaskError that says why the update failed. What was seen of it is kept with the run all the same.
 */
export async function runUpdate(
  services: OdooCellServices,
  { cell, connection, facts }: OdooCell,
  input: ApplyModulesTask,
  context: TaskContext,
): Promise<Updated> {
  const container = odooContainer({
    cell,
    connection,
    facts,
    image: input.image,
    limits: input.resources,
    secrets: await context.secrets(input.secrets),
    variables: input.variables,
    arguments: updateArguments(input, facts.odooVersion),
  })
  const watch = input.observe ? await beginWatch(services, cell, context) : undefined
  const ownModules = new Set(Object.keys(input.addons))
  let judge = createJudge(ownModules)
  const oneOff = { name: oneOffName, source: 'odoo', cellId: cell.id, container } as const
  const change = async () => {
    const renamedMs = await rename(cell, input, context)
    const ran = await runOneOff(services.docker, context, oneOff, () => {
      judge = createJudge(ownModules)
      return judge
    })
    return { ...ran, ranMs: ran.ranMs + renamedMs }
  }
  const { exitCode, ranMs, log, trace } = await change().catch(async (error) => {
    await watch?.abandon(judge.trace())
    throw error
  })
  saveReport(log, context)
  const observation = await watch?.finish({ trace, ranMs })
  // Those the update was to take over are asked of the database itself.
  const notLoadedModules = log.notLoadedModules.filter((name) => !input.expectGone.includes(name))
  const failure = findUpdateFailure(exitCode, { ...log, notLoadedModules })
  if (failure) {
    for (const raised of log.cause?.chain ?? []) context.log('fairway', `from: ${raised}`)
    throw failure
  }
  return { log, observation }
}

/** Once, also where the agent restarts after it. @returns how long it took. */
async function rename(cell: Cell, { renames }: ApplyModulesTask, context: TaskContext): Promise<number> {
  if (renames.length === 0) return 0
  return context.once('renamed', async () => {
    await context.requireLease()
    const begun = performance.now()
    for (const { from, to } of await renameModules(cell, renames, context.signal))
      context.log('fairway', `what belonged to ${from} belongs to ${to} now`)
    return Math.round(performance.now() - begun)
  })
}

async function beginWatch(
  { docker, workDirectory }: OdooCellServices,
  cell: Cell,
  context: TaskContext,
): Promise<UpdateWatch> {
  const running = await hasOneOff(docker, context, oneOffName)
  return watchUpdate(taskDirectory(workDirectory, context), cell, running, context)
}

function createJudge(ownModules: OwnModules) {
  const reader = createUpdateLogReader(ownModules)
  const traces = createTraceReader()
  return {
    line(text: string): void {
      reader.line(text)
      traces.line(text)
    },
    trace: () => traces.trace(),
    finish: ({ exitCode, ranMs }: ContainerEnd) => ({
      exitCode,
      ranMs,
      log: reader.finish(),
      trace: traces.trace(),
    }),
  }
}

function updateArguments(input: ApplyModulesTask, odooVersion: string): string[] {
  // From 19 on demonstration data is asked for, before it was declined.
  const demoByDefault = Number.parseInt(odooVersion, 10) < 19
  return [
    ...databaseOptions,
    '--no-http',
    '--workers=0',
    '--max-cron-threads=0',
    '--stop-after-init',
    ...(input.install.length > 0 ? [`--init=${input.install.join(',')}`] : []),
    ...(input.update.length > 0 ? [`--update=${input.update.join(',')}`] : []),
    ...(input.demo && !demoByDefault ? ['--with-demo'] : []),
    ...(!input.demo && demoByDefault ? ['--without-demo=all'] : []),
    ...(input.testTags ? [`--test-tags=${input.testTags}`] : []),
  ]
}

/** A failed task has no output: the report goes with the run as a document. */
function saveReport(log: UpdateLog, context: TaskContext): void {
  if (!log.tests && log.failures.length === 0) return
  const report = { ...log.tests, failures: log.failures }
  context.artifact(
    'tests.json',
    'application/json',
    new TextEncoder().encode(JSON.stringify(report, null, 2)),
  )
}
