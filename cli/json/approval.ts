import type {
  Approval,
  ApprovalBasis,
  ApprovalCommit,
  ApprovalCommits,
  ApprovalLoss,
  ApprovalRule,
} from '../../proto/gen/fairway/v1/approvals_pb.js'
import { numberOf, textOf, timeOf } from './values.ts'

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
  freezeWindow: textOf(approval.freezeWindow),
  rule: approval.rule ? ruleJson(approval.rule) : null,
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
  glassNotForYou: textOf(approval.glassNotForYou),
  basis: approval.basis ? basisJson(approval.basis) : null,
})
export type ApprovalJson = ReturnType<typeof approvalJson>

const ruleJson = ({ $typeName: _, $unknown: __, ...rule }: ApprovalRule) => rule
export type ApprovalRuleJson = ReturnType<typeof ruleJson>

const basisJson = ({ commits, plan, loss }: ApprovalBasis) => ({
  commits: commits ? commitsJson(commits) : null,
  /** Byte for byte as it is hashed. */
  plan: textOf(plan),
  loss: loss ? lossJson(loss) : null,
})
export type ApprovalBasisJson = ReturnType<typeof basisJson>

const commitsJson = (commits: ApprovalCommits) => ({
  since: commits.since,
  added: commits.added.map(commitJson),
  addedCount: commits.addedCount,
  removed: commits.removed.map(commitJson),
  removedCount: commits.removedCount,
  unknown: textOf(commits.unknown),
  build: commits.buildNumber || null,
})
export type ApprovalCommitsJson = ReturnType<typeof commitsJson>

const commitJson = ({ id, author, subject }: ApprovalCommit) => ({ id, author, subject })

/** As `rollback --json` has it, and when it was counted; null: it was not. */
const lossJson = (loss: ApprovalLoss) => ({
  since: timeOf(loss.since),
  lastChange: null,
  changedRows: numberOf(loss.rows),
  tables: loss.tables.map(({ table, rows }) => ({ table, rows: numberOf(rows) })),
  uncountedTables: loss.uncountedTables,
  countedAt: timeOf(loss.countedAt),
})
