import { notify } from '../db/signals.ts'
import type { RunState, TaskRow } from './run-state.ts'

/** Tasks not yet given to an agent end at once; the agent is asked to end the others, which takes its time. */
export async function cancelTasks({ tx }: RunState, tasks: Iterable<TaskRow>): Promise<void> {
  const open = [...tasks].filter((task) => !task.cancel_requested && isOpen(task))
  for (const task of open) {
    const saved = await tx
      .updateTable('tasks')
      .set(
        task.status === 'queued'
          ? { cancel_requested: true, status: 'cancelled', finished_at: new Date() }
          : { cancel_requested: true },
      )
      .where('id', '=', task.id)
      .where('status', '=', task.status)
      .returningAll()
      .executeTakeFirst()
    if (saved) Object.assign(task, saved)
  }
  for (const id of new Set(open.map(({ host_id }) => host_id))) await notify(tx, { kind: 'cancel', id })
}

export const isOpen = ({ status }: TaskRow): boolean => status === 'queued' || status === 'leased'
