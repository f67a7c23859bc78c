import canonicalize from 'canonicalize'
import { sql } from 'kysely'
import type { Tx } from '../../db/tenancy.ts'

/** An event as it is read back from its row: exactly what its leaf in the tree is over. */
export interface AuditRow {
  readonly id: number
  /** RFC 3339, UTC, in microseconds: as exact as the row. */
  readonly at: string
  readonly actor: string
  readonly action: string
  readonly subject_kind: string
  readonly subject_id: string
  readonly project_id: string | null
  readonly details: unknown
  readonly request_id: string
}

/** Rows of `audit_events`, with no order and no condition yet. */
export const auditRows = (tx: Tx) =>
  tx
    .selectFrom('audit_events')
    .select([
      'audit_events.id',
      'audit_events.actor',
      'audit_events.action',
      'audit_events.subject_kind',
      'audit_events.subject_id',
      'audit_events.project_id',
      'audit_events.details',
      'audit_events.request_id',
      sql<string>`to_char(audit_events.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`.as(
        'at',
      ),
    ])

/** The leaf's bytes: canonical JSON (RFC 8785). Changing its shape would change every tree there is. */
export function leafOf(organization: string, row: AuditRow): string {
  const leaf = (details: unknown) =>
    canonicalize({
      organization,
      id: row.id,
      at: row.at,
      actor: row.actor,
      action: row.action,
      subject: { kind: row.subject_kind, id: row.subject_id },
      projectId: row.project_id,
      details,
      requestId: row.request_id,
    })!
  try {
    return leaf(row.details)
  } catch {
    // jsonb holds numbers and depths that no program of ours writes. Whoever wrote them behind the server's back must
    // not keep the log from growing, or its verifier from naming the event.
    return leaf('details that are no JSON of this server')
  }
}
