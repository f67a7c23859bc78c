import type { LockActions, Pipeline } from '../runs/types.ts'

/** A branch's head, resolved without any pins. Nothing is built, and its environment stays as it is. */
export const lock: Pipeline<LockActions> = async (run) => {
  await run.step('resolve', () => run.resolve())
}
