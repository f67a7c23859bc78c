import { type Selectable, sql } from 'kysely'
import { taskKinds } from '../../lib/tasks/task-kinds.ts'
import type { TasksTable } from './tables/runs.ts'
import type { Tx } from './tenancy.ts'

type TaskRow = Pick<Selectable<TasksTable>, 'kind' | 'spec' | 'status' | 'output' | 'always' | 'created_at'>

const definitions: Readonly<Record<string, { readonly attempts: number; readonly changesData?: true }>> =
  taskKinds
const changesData = (kind: string): boolean => definitions[kind]?.changesData === true

/** From the moment that it is asked of an agent: who knows what a host did that is not heard of again? */
export async function markDirty(tx: Tx, kind: string, spec: unknown): Promise<void> {
  const cellId = changesData(kind) ? cellOf({ kind, spec }) : undefined
  if (cellId) await setDirty(tx, cellId)
}

/** An agent that refused a task because its own record has the mark puts it here as well. */
export async function markRefused(tx: Tx, task: Pick<TaskRow, 'kind' | 'spec'>): Promise<void> {
  const cellId = cellOf(task)
  if (cellId) await setDirty(tx, cellId)
}

/**
 * Takes the mark off the cells of a run whose last change came through, or of which an agent says that its failure left the data
 * whole. Production's have to be those of the deployment on record as well, or `startCurrent` would serve other code on them:
 * what a change made is so once it is live (`goLive`), what a way back has put in its place at once.
 */
export async function settleDirty(tx: Tx, tasks: Iterable<TaskRow>): Promise<void> {
  const last = new Map<string, TaskRow>()
  for (const task of tasks) {
    const cellId = changesData(task.kind) ? cellOf(task) : undefined
    const known = cellId === undefined ? undefined : last.get(cellId)
    if (cellId !== undefined && (!known || known.created_at < task.created_at)) last.set(cellId, task)
  }
  const whole = [...last].flatMap(([id, task]) => (isWhole(task) ? [id] : []))
  if (whole.length === 0) return
  const putBack = whole.filter((id) => isWayBack(last.get(id)))
  await tx
    .updateTable('cells')
    .set({ dirty_since: null })
    .where('id', 'in', whole)
    .where('dirty_since', 'is not', null)
    .where((eb) =>
      eb.or([eb('stage', '<>', 'production'), ...(putBack.length > 0 ? [eb('id', 'in', putBack)] : [])]),
    )
    .execute()
}

const setDirty = (tx: Tx, cellId: string) =>
  tx
    .updateTable('cells')
    .set({ dirty_since: sql<Date>`now()` })
    .where('id', '=', cellId)
    .where('dirty_since', 'is', null)
    .execute()

const isWhole = ({ status, output }: TaskRow): boolean =>
  status === 'succeeded' || (status === 'failed' && saysWhole(output))

/** One that a run asks for going forward is a part of the change. */
const isWayBack = (task: TaskRow | undefined): boolean => task?.kind === 'restoreCell' && task.always

const saysWhole = (output: unknown): boolean =>
  (output as { applyModules?: { dataWhole?: boolean } } | null)?.applyModules?.dataWhole === true

/** The cell whose data a task is about, in protobuf's JSON. */
function cellOf({ kind, spec }: Pick<TaskRow, 'kind' | 'spec'>): string | undefined {
  const input = (spec as Record<string, Partial<CellInput> | undefined>)[kind]
  return input?.sourceCellId ?? input?.cellId ?? input?.runtime?.cellId
}

interface CellInput {
  readonly cellId: string
  readonly sourceCellId: string
  readonly runtime: { readonly cellId?: string }
}
