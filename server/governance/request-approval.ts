import type { Operation, Tx } from '../db/tenancy.ts'
import { type ApprovalRow, endApproval, livingStatuses } from './approvals/state.ts'
import { hashSubject } from './authorizations.ts'
import { frozenAt } from './policy/freeze.ts'
import { approvalNeeded, lockPolicy, policyInForce } from './policy/in-force.ts'
import { ask, type ProtectedRequest } from './protect.ts'

/**
 * Asks for an approval before there is a run that would use it: the run takes it over when it starts. One that waits for
 * the same already is given, whoever asked for it; those of the same build for anything else are void.
 * `forbidden` where the policy lets nobody do it, undefined where it asks for no approval.
 */
export async function requestApproval(
  tx: Tx,
  op: Operation,
  request: ProtectedRequest & { readonly environmentId: string; readonly aboutRunId: string },
): Promise<ApprovalRow | 'forbidden' | undefined> {
  const subject = hashSubject(request.subject)
  await lockPolicy(tx, request.projectId)
  const policy = await policyInForce(tx, request.projectId)
  const rule = approvalNeeded(policy.document, request.action)
  if (rule === 'forbidden') return 'forbidden'
  const before = await listRequests(tx, request.environmentId)
  const same = before.find(
    (row) =>
      row.subject_sha256 === subject.sha256 && row.action === request.action && row.expires_at > new Date(),
  )
  if (same) return same
  for (const row of before.filter((other) => other.about_run_id === request.aboutRunId)) {
    await endApproval(tx, op, row, 'void', 'what would happen has changed since it was asked for')
  }
  if (!rule) return undefined
  const frozen = frozenAt(policy.document.freeze, request.action, new Date())
  return await ask(tx, op, request, subject, policy, rule, frozen)
}

/** What was asked for in an environment and belongs to no run yet. */
export async function listRequests(tx: Tx, environmentId: string): Promise<ApprovalRow[]> {
  return await tx
    .selectFrom('approvals')
    .selectAll()
    .where('environment_id', '=', environmentId)
    .where('run_id', 'is', null)
    .where('about_run_id', 'is not', null)
    .where('status', 'in', livingStatuses)
    .orderBy('created_at', 'desc')
    .forUpdate()
    .execute()
}
