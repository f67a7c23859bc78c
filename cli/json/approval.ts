import type { Approval } from '../../proto/gen/fairway/v1/approvals_pb.js'
import { textOf, timeOf } from './values.ts'

/** A line of `approval list --json`, and `approval show --json`; scripts depend on the keys. */
export const approvalJson = (approval: Approval) => ({
  id: approval.id,
  project: approval.project,
  environment: textOf(approval.environment),
  action: approval.action,
  status: approval.status,
  reason: textOf(approval.reason),
  summary: approval.summary,
  subject: JSON.parse(approval.subject) as Record<string, unknown>,
  subjectSha256: approval.subjectSha256,
  requestedBy: approval.requestedBy,
  requesterLoginIssuedBy: approval.requesterLoginIssuedBy,
  commitAuthor: textOf(approval.commitAuthor),
  quorum: approval.quorum,
  votes: approval.votes.map(({ member, decision, note, at, loginIssuedBy }) => ({
    member,
    decision,
    note: textOf(note),
    at: timeOf(at),
    loginIssuedBy,
  })),
  build: approval.buildNumber || null,
  runId: textOf(approval.runId),
  createdAt: timeOf(approval.createdAt),
  expiresAt: timeOf(approval.expiresAt),
  usedAt: timeOf(approval.usedAt),
  frozenUntil: timeOf(approval.frozenUntil),
  review: approval.review
    ? {
        by: approval.review.by,
        reason: approval.review.reason,
        at: timeOf(approval.review.at),
        closedBy: textOf(approval.review.closedBy),
        note: textOf(approval.review.note),
        closedAt: timeOf(approval.review.closedAt),
        loginIssuedBy: approval.review.loginIssuedBy,
      }
    : null,
  notForYou: textOf(approval.notForYou),
})
export type ApprovalJson = ReturnType<typeof approvalJson>
