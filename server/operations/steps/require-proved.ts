import type { Engine } from '../../runs/replay.ts'
import { TaskFailed } from '../../runs/types.ts'

/**
 * Before anything leads to a copy of production in which something failed: the run's own proof that it is neutral. Agents see
 * to that by their own records as well; one of before they did takes nothing out of a copy by itself, and does not say what
 * became of the passwords.
 */
export function requireProved({ record: { neutralization } }: Engine): void {
  const { assertions = [], passwords } = neutralization ?? {}
  if (passwords !== undefined && assertions.length > 0 && assertions.every(({ passed }) => passed)) return
  throw new TaskFailed('not-neutral', 'it is a copy of production that is not proved neutral')
}
