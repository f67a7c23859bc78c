import { notify } from '../../db/signals.ts'
import type { Tx } from '../../db/tenancy.ts'
import { livingStatuses } from './state.ts'

/**
 * Those of the runs that wait for an approval. Such a run has touched nothing of production, so that whatever else is
 * wanted of the environment goes before it. To act on the answer, hold the runs' locks.
 */
export async function findWaitingRuns(tx: Tx, runIds: readonly string[]): Promise<ReadonlySet<string>> {
  if (runIds.length === 0) return new Set()
  const rows = await tx
    .selectFrom('approvals')
    .select('run_id')
    .where('run_id', 'in', runIds)
    .where('status', 'in', livingStatuses)
    .execute()
  return new Set(rows.flatMap(({ run_id }) => (run_id ? [run_id] : [])))
}

/** Lets a run that waits look at its approval again at once. */
export async function wakeRun(tx: Tx, runId: string): Promise<void> {
  await tx
    .updateTable('runs')
    .set({ advance_at: new Date() })
    .where('id', '=', runId)
    .where('advance_at', 'is not', null)
    .execute()
  await notify(tx, { kind: 'run', id: runId })
}

/** The lock that decides about approvals of a run are made under; before the approval's own. */
export async function lockRunOf(tx: Tx, runId: string | null): Promise<void> {
  if (runId) await tx.selectFrom('runs').select('id').where('id', '=', runId).forUpdate().execute()
}
