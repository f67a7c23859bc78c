import { AsyncLocalStorage } from 'node:async_hooks'

/** What is shared by all tasks of a host needs to know of the one that asks: whose it is, and until when it asks. */
export interface CurrentTask {
  readonly owner: { readonly projectId: string }
  readonly signal: AbortSignal
}

const running = new AsyncLocalStorage<CurrentTask>()

/** Everything that `work` starts is this task's. */
export const inTask = <T>(task: CurrentTask, work: () => T): T => running.run(task, work)

/** Undefined in what belongs to the host and to no task. */
export const currentTask = (): CurrentTask | undefined => running.getStore()
