import type { Selectable } from 'kysely'
import { formatTime } from '../../../lib/words/times.ts'
import { audit } from '../../db/audit.ts'
import type { ApprovalsTable } from '../../db/tables/governance.ts'
import type { Operation, Tx } from '../../db/tenancy.ts'

export type ApprovalRow = Selectable<ApprovalsTable>
export type ApprovalStatus = ApprovalRow['status']

/** Not decided, or decided and not used yet. */
export const livingStatuses = ['open', 'approved'] as const satisfies ApprovalStatus[]

export const isLiving = ({ status }: Pick<ApprovalRow, 'status'>): boolean =>
  status === 'open' || status === 'approved'

/** What people are shown of an id. */
export const shortId = (id: string): string => id.slice(0, 8)

export const expiredReason = (approval: Pick<ApprovalRow, 'expires_at'>): string =>
  `expired at ${formatTime(approval.expires_at)}, before it was used`

/** Ends a living approval; whoever holds its run's lock, or its own where it has no run, may do so. */
export async function endApproval(
  tx: Tx,
  op: Operation,
  row: ApprovalRow,
  status: 'rejected' | 'expired' | 'void',
  reason: string,
): Promise<ApprovalRow> {
  const ended = await tx
    .updateTable('approvals')
    .set({ status, reason, decided_at: new Date() })
    .where('id', '=', row.id)
    .returningAll()
    .executeTakeFirstOrThrow()
  await audit(
    tx,
    op,
    `approval.${verbs[status]}`,
    { kind: 'approval', id: row.id, projectId: row.project_id },
    { action: row.action, reason, subjectSha256: row.subject_sha256 },
  )
  return ended
}

const verbs = { rejected: 'reject', expired: 'expire', void: 'void' } as const

/** Ends what a run still waits for: whatever it wanted will not happen. */
export async function voidApprovalsOfRun(
  tx: Tx,
  op: Operation,
  runId: string,
  reason: string,
): Promise<void> {
  const rows = await tx
    .selectFrom('approvals')
    .selectAll()
    .where('run_id', '=', runId)
    .where('status', 'in', livingStatuses)
    .forUpdate()
    .execute()
  for (const row of rows) await endApproval(tx, op, row, 'void', reason)
}
