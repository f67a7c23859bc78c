import { pause } from '../link/pause.ts'
import type { TaskHandlers } from '../tasks/registry.ts'
import { TaskAborted, type TaskHandler, type TaskKind } from '../tasks/task.ts'

/** Whether the host has anything to do for anybody. */
export interface Idleness {
  /** Counts the work as something that the host does; ends at once what was begun because it did nothing. */
  during<T>(work: () => Promise<T>): Promise<T>
  /** Resolves when there has been nothing to do for a while, with a signal that is aborted as soon as there is. */
  untilIdle(signal: AbortSignal): Promise<AbortSignal>
}

/** Handlers whose tasks are what the host has to do. */
export function countingTasks(handlers: TaskHandlers, idleness: Idleness): TaskHandlers {
  const counting =
    <K extends TaskKind>(handler: TaskHandler<K>): TaskHandler<K> =>
    (input, context) =>
      idleness.during(() => handler(input, context))
  const entries = Object.entries(handlers).map(([kind, handler]) => [
    kind,
    counting(handler as TaskHandler<TaskKind>),
  ])
  return Object.fromEntries(entries) as TaskHandlers
}

/** @param idleMs how long there must have been nothing. */
export function createIdleness(idleMs: number): Idleness {
  let working = 0
  let calm = new AbortController()
  const disturb = () => {
    calm.abort(new TaskAborted('cancelled', 'the host has something to do'))
    calm = new AbortController()
  }
  return {
    async during(work) {
      working++
      disturb()
      try {
        return await work()
      } finally {
        working--
        disturb()
      }
    },
    async untilIdle(signal) {
      for (;;) {
        const { signal: disturbed } = calm
        const either = AbortSignal.any([disturbed, signal])
        await pause(idleMs, either)
        signal.throwIfAborted()
        if (working === 0 && !disturbed.aborted) return disturbed
      }
    },
  }
}
