import type { Operation, Tx } from './tenancy.ts'

/** Writes the audit row of a change, in the change's own transaction. */
export async function audit(
  tx: Tx,
  op: Operation,
  action: string,
  subject: { kind: string; id: string },
  details: Record<string, unknown> = {},
): Promise<void> {
  await tx
    .insertInto('audit_events')
    .values({
      organization_id: op.organizationId,
      actor: op.actor,
      action,
      subject_kind: subject.kind,
      subject_id: subject.id,
      details: JSON.stringify(details),
      request_id: op.requestId,
    })
    .execute()
}
