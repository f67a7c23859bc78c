import type { Operation, Tx } from './tenancy.ts'

/**
 * Writes the audit row of a change, in the change's own transaction. `projectId` says whose project it concerns, where
 * it is one's; the sequencer (server/evidence/) gives the row its place in the organization's Merkle tree.
 */
export async function audit(
  tx: Tx,
  op: Operation,
  action: string,
  subject: { kind: string; id: string; projectId?: string },
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
      project_id: subject.projectId ?? null,
      details: JSON.stringify(details),
      request_id: op.requestId,
    })
    .execute()
}
