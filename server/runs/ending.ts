import type { AppContext } from '../context.ts'
import { notify } from '../db/signals.ts'
import type { Result, RunStatus } from '../db/tables/runs.ts'
import type { Tx } from '../db/tenancy.ts'
import { recordEnd } from '../evidence/record/record-end.ts'
import { voidApprovalsOfRun } from '../governance/approvals/state.ts'
import { runKinds } from '../operations/kinds.ts'
import type { Replayed } from './engine.ts'
import type { RunState } from './run-state.ts'

/** Closes the run with its evidence; that there is none of a run that ended, does not happen. */
export async function end(
  context: AppContext,
  state: RunState,
  ending: { status: RunStatus; reason: string },
  { record, warnings }: Pick<Replayed, 'record' | 'warnings'>,
): Promise<void> {
  const { tx, op, run } = state
  const succeeded = ending.status === 'succeeded'
  const failed = ending.status === 'failed' || ending.status === 'timed-out'
  const result: Result | null = succeeded ? (warnings.length > 0 ? 'yellow' : 'green') : failed ? 'red' : null
  const moreWarnings = warnings.length > 1 ? ` (and ${warnings.length - 1} more)` : ''
  const reason = succeeded ? (warnings[0] ?? '') + moreWarnings : ending.reason
  // First, so that the run's record has them as they ended.
  await voidApprovalsOfRun(tx, op, run.id, `the run ended first: ${ending.reason}`)
  const finishedAt = new Date()
  const outcome = { status: ending.status, result, reason: ending.reason, warnings }
  const manifest = await recordEnd(context, tx, op, { ...state, record, outcome, finishedAt })
  await tx
    .updateTable('runs')
    .set({
      status: ending.status,
      result,
      reason,
      manifest_sha256: manifest,
      finished_at: finishedAt,
      advance_at: null,
      trouble: null,
    })
    .where('id', '=', run.id)
    .execute()
  await tx
    .updateTable('steps')
    .set({ status: 'cancelled', finished_at: new Date() })
    .where('run_id', '=', run.id)
    .where('status', 'in', ['queued', 'running'])
    .execute()
  await tx.updateTable('cells').set({ held_by: null }).where('held_by', '=', run.id).execute()
  // Whoever waits for this one is looked at now.
  await tx
    .updateTable('runs')
    .set({ advance_at: new Date() })
    .where('id', 'in', (query) =>
      query
        .selectFrom('runs as queued')
        .select('queued.id')
        .where('queued.project_id', '=', run.project_id)
        .where('queued.status', '=', 'queued')
        // In one order, as another run of the project may end at this moment.
        .orderBy('queued.id')
        .forNoKeyUpdate(),
    )
    .execute()
  await announce(tx, run.id)
}

/** Where putting back failed too, or nothing was put back. A run that changes nothing of its environment leaves it alone. */
export async function markFailed({ tx, run, environment }: RunState): Promise<void> {
  if (runKinds[run.kind].besideOthers) return
  await tx
    .updateTable('environments')
    .set({ status: 'failed', updated_at: new Date() })
    .where('id', '=', environment.id)
    .where('status', '<>', 'destroyed')
    .execute()
}

/** Those who look at the run look again. */
export const announce = (tx: Tx, runId: string) => notify(tx, { kind: 'run', id: runId })
