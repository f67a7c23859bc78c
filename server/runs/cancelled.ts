import type { CancelCause, RunStatus } from '../db/tables/runs.ts'
import type { RunRow } from './run-state.ts'

/** Who or what wanted the run to end early, in one line for people. */
export function cancelTextOf({
  cancel_cause: cause,
  cancelled_by: by,
}: Pick<RunRow, 'cancel_cause' | 'cancelled_by'>): string {
  if (cause === 'user') return `cancelled by ${by ?? 'a user'}`
  if (cause === 'superseded') return 'superseded by a newer commit'
  if (cause === 'timeout') return 'took longer than a run may'
  return `cancelled by the system${by ? `: ${by}` : ''}`
}

/** How a run ends that was cancelled for that. */
export const endOfCancelled = (cause: CancelCause | null): RunStatus =>
  cause === 'timeout' ? 'timed-out' : cause === 'superseded' ? 'superseded' : 'cancelled'
