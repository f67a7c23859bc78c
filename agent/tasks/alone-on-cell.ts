import { definitionOf, type TaskKind } from '../../lib/tasks/task-kinds.ts'
import { createLocks } from '../cells/locks.ts'
import type { TaskHandler } from './task.ts'

/**
 * Makes tasks in which an image meets a cell, and those that put another content under it, wait for each other: what the
 * gate found at the beginning of one (agent/neutralize/gate.ts) holds to its end. Otherwise a raw snapshot that is put back
 * between the proof and its entry would be entered as proved, and one put back between the gate and a container's start
 * would meet that container. In memory: tasks are taken up again after a crash, each from its beginning.
 *
 * Only across tasks: within one, cells have locks of their own.
 */
export function createAloneOnCell() {
  const withTurn = createLocks()
  return <K extends TaskKind>(kind: K, handler: TaskHandler<K>): TaskHandler<K> => {
    const { cell } = definitionOf(kind)
    return (input, context) => withTurn(cell(input), context.signal, () => handler(input, context))
  }
}
