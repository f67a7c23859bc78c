import type { Tx } from '../../db/tenancy.ts'
import type { ApprovalFacts, AuthorizationFacts } from './run-manifest.ts'

/** The approvals that were asked for on behalf of a run, with their votes, oldest first. */
export async function collectApprovals(tx: Tx, runId: string): Promise<ApprovalFacts[]> {
  const approvals = await tx
    .selectFrom('approvals')
    .leftJoin('policies', (join) =>
      join
        .onRef('policies.project_id', '=', 'approvals.project_id')
        .onRef('policies.version', '=', 'approvals.policy_version'),
    )
    .selectAll('approvals')
    .select('policies.sha256 as policy_sha256')
    .where('run_id', '=', runId)
    .orderBy('approvals.created_at')
    .orderBy('approvals.id')
    .execute()
  if (approvals.length === 0) return []
  const votes = await tx
    .selectFrom('approval_votes')
    .innerJoin('members', 'members.id', 'approval_votes.member_id')
    .select(['approval_id', 'members.name', 'decision', 'note', 'approval_votes.created_at', 'issuers'])
    .where(
      'approval_id',
      'in',
      approvals.map(({ id }) => id),
    )
    .orderBy('approval_votes.created_at')
    .orderBy('approval_votes.id')
    .execute()
  return approvals.map((row) => ({
    id: row.id,
    action: row.action,
    status: row.status,
    reason: row.reason,
    summary: row.summary,
    subject: row.subject,
    subjectSha256: row.subject_sha256,
    requestedBy: row.requested_by,
    requesterLoginIssuedBy: row.requester_issuers,
    commitAuthor: row.commit_author,
    rule: row.rule,
    policy: { version: row.policy_version, sha256: row.policy_sha256 },
    votes: votes
      .filter(({ approval_id }) => approval_id === row.id)
      .map((vote) => ({
        by: `member:${vote.name}`,
        decision: vote.decision,
        note: vote.note,
        at: vote.created_at.toISOString(),
        loginIssuedBy: vote.issuers,
      })),
    breakGlass:
      row.broken_by && row.broken_at
        ? {
            by: row.broken_by,
            reason: row.broken_reason,
            at: row.broken_at.toISOString(),
            loginIssuedBy: row.broken_issuers,
          }
        : null,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    decidedAt: row.decided_at?.toISOString() ?? null,
    usedAt: row.used_at?.toISOString() ?? null,
  }))
}

/** By what the run was allowed to do protected things. */
export async function collectAuthorizations(tx: Tx, runId: string): Promise<AuthorizationFacts[]> {
  const rows = await tx
    .selectFrom('authorizations')
    .selectAll()
    .where('run_id', '=', runId)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map((row) => ({
    id: row.id,
    action: row.action,
    basis: row.basis,
    subjectSha256: row.subject_sha256,
    approvalId: row.approval_id,
    policyVersion: row.policy_version,
    at: row.created_at.toISOString(),
  }))
}
