import { z } from 'zod'
import { TaskError } from '../tasks/task.ts'
import type { Stage } from './stage.ts'

/**
 * That a cell's data are between two states: an update or a restore has begun to change them, and has not come to its end.
 * On the cell's own record before the first byte changes, so that it outlives the agent and whatever server asks. Records of
 * before it was kept have none: clean, as far as anybody knows.
 */
export const dirtySchema = z.object({
  why: z.enum(['update', 'restore']),
  since: z.iso.datetime(),
  /** The task of an update: it may take up its own work again after a crash. */
  by: z.string().optional(),
})
export type Dirty = z.infer<typeof dirtySchema>

interface Content {
  readonly id: string
  readonly stage: Stage
  readonly dirty?: Dirty | undefined
}

/**
 * Whoever serves, copies or looks into data asks this first.
 *
 * @throws TaskError `dirty`.
 */
export function requireClean({ id, stage, dirty }: Content): void {
  if (!dirty) return
  const remedy =
    stage === 'production'
      ? 'Put a safety snapshot back: fairway release restore PROJECT (they are listed by fairway snapshot list PROJECT).'
      : 'Build it again.'
  throw new TaskError(
    'dirty',
    `the data of cell ${id} are between two states: the ${dirty.why} that began at ${dirty.since} has not come to its end, so ` +
      `nothing serves, copies or looks into them. ${remedy}`,
  )
}

/**
 * The update of production may be taken up again by its own task alone. What it leaves elsewhere is nobody's: whatever is
 * applied next has to prove all of it.
 *
 * @throws TaskError `dirty`.
 */
export function requireUpdatable(cell: Content, taskId: string): void {
  if (cell.stage === 'production' && cell.dirty?.by !== taskId) requireClean(cell)
}
