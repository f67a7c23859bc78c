import { sql } from 'kysely'
import type { AuthorizationsTable } from '../../db/tables/governance.ts'

/** Names of those whose votes approved `approvals.id`, in the order of their votes. For the select list of a query. */
export const approvers = sql<string[]>`array(
  select m.name from approval_votes v join members m on m.id = v.member_id
  where v.approval_id = approvals.id and v.decision = 'approve' order by v.created_at, m.name)`

/** On whose word something protected was done, for people; empty where nothing of it is on record. */
export function authorizedBy(row: {
  readonly basis: AuthorizationsTable['basis'] | null
  readonly approvers: readonly string[]
  readonly broken_by: string | null
}): string {
  switch (row.basis) {
    case 'approval':
      return row.approvers.join(', ')
    case 'break-glass':
      return `break-glass by ${(row.broken_by ?? '').replace(/^member:/, '')}`
    case 'policy':
    case 'compensation':
      return row.basis
    case null:
      return ''
  }
}
