import type { Source } from '../../releases/source.ts'
import type { CommonActions, Pipeline } from '../../runs/types.ts'

export interface LockActions extends CommonActions {
  resolve(): Promise<Source>
}

/** A branch's head, resolved without any pins. Nothing is built, and its environment stays as it is. */
export const lock: Pipeline<LockActions> = async (run) => {
  await run.step('resolve', () => run.resolve())
}
