import { backoffMs } from './backoff.ts'
import type { TaskRow } from './run-state.ts'
import { RunCancelled, TaskFailed } from './types.ts'

/** How the engine takes what fails. */
export type Mode =
  /** The pipeline sees it, and acts on it. */
  | { readonly name: 'forward' }
  /** It is asked for again, until it succeeds or a person ends the run. */
  | { readonly name: 'back' }
  /** It is asked for so often in all, and then left with a warning. */
  | {
      readonly name: 'tidy'
      readonly what: string
      readonly attempts: number
      /** The fault of the server on record that came up in it: nothing more of it is done. */
      readonly left: TaskFailed | undefined
    }

/** The attempt that counts: what went forward is not changed by what was asked for again on the way back. */
export function attemptOf(mode: Mode, attempts: readonly TaskRow[]): TaskRow | undefined {
  switch (mode.name) {
    case 'forward':
      return attempts[0]
    case 'tidy':
      return attempts.slice(0, mode.attempts).at(-1)
    case 'back':
      return attempts.at(-1)
  }
}

/**
 * When a task that failed is asked for again: by our own clock, from when it was asked for last, or at once where a person
 * has wanted it since. Undefined: it is not.
 */
export function nextAttemptInMs(
  mode: Mode,
  row: Pick<TaskRow, 'attempt' | 'created_at'>,
  failure: Error,
  retryAt: Date | null,
): number | undefined {
  if (mode.name === 'forward' || isForGood(failure)) return undefined
  if (mode.name === 'tidy' && row.attempt >= mode.attempts) return undefined
  if (retryAt && retryAt > row.created_at) return 0
  return Math.max(0, row.created_at.getTime() + backoffMs(row.attempt) - Date.now())
}

/**
 * What was to be put back cannot be: the host was shut out, and never comes back; or it is away, and whoever cancelled the run
 * does not wait for it (see server/fleet/expiry.ts).
 */
export const isForGood = (error: Error): boolean =>
  error instanceof TaskFailed && (error.reason === 'host-revoked' || isLeftAway(error))

/** Only what a cancelled run did not wait for ends so: the run is cancelled then, whatever it could not tidy up. */
export const isLeftAway = ({ reason }: TaskFailed): boolean => reason === 'host-away'

/** How a task failed; `cancelled`: why, where it was cancelled. */
export function failureOf(row: TaskRow, cancelled: string): TaskFailed | RunCancelled {
  if (row.status === 'cancelled') return new RunCancelled(cancelled)
  if (row.status === 'failed') return new TaskFailed(row.reason, row.error)
  return new TaskFailed('timed-out', row.error || `${row.kind} took longer than allowed`, 'timed-out')
}
