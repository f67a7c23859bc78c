import type { CreateRequest } from '../cells/parts.ts'
import type { AgentServices } from '../services.ts'
import type { Cell } from '../storage/records.ts'
import { type TaskContext, TaskError } from '../tasks/task.ts'
import type { AskedBase, Base } from './bases.ts'
import { giveIdentity } from './identity.ts'

export interface Begun {
  readonly cell: Cell
  readonly base: Base
}

/**
 * A new cell that is a copy of a base, running and with an identity of its own. Undefined where there is no base that may be
 * taken, or the one there is turns out to be damaged, which removes it: nothing of the cell is there then, unless an earlier
 * process of the same task had begun it empty.
 *
 * @param willInstall what is to come from the base image: a base with anything else is not taken.
 */
export async function beginWithBase(
  services: Pick<AgentServices, 'cells' | 'pool' | 'bases'>,
  request: CreateRequest,
  asked: Pick<AskedBase, 'image' | 'demo'>,
  willInstall: readonly string[],
  context: TaskContext,
): Promise<Begun | undefined> {
  const { cells, pool, bases } = services
  const { signal } = context
  const existing = await pool.findCell(request.id)
  if (existing && !existing.source) return undefined
  const found = await bases.find({ ...asked, postgresImage: request.postgresImage }, signal)
  const base = found?.base.modules.every((name) => willInstall.includes(name)) ? found : undefined
  if (!base) {
    // An earlier process began with one that is gone.
    if (existing) await cells.destroy(request.id, false, context)
    return undefined
  }
  const { id, environmentId, stage, limits } = request
  try {
    const { cell } = await cells.clone(
      { id, environmentId, stage, limits, from: { kind: 'snapshot', id: base.id } },
      context,
    )
    await giveIdentity(cell, base.base, signal)
    return { cell, base }
  } catch (error) {
    signal.throwIfAborted()
    const reason = error instanceof TaskError ? error.reason : ''
    if (reason === 'unavailable') throw error
    context.warn(`the database was installed from the beginning: ${(error as Error).message}`)
    await cells.destroy(id, false, context)
    if (reason !== 'disk-full') await bases.remove(base.id)
    return undefined
  }
}
