import { formatTime } from '../../lib/words/times.ts'
import { audit } from '../db/audit.ts'
import type { ProtectedAction } from '../db/tables/governance.ts'
import type { Operation, Tx } from '../db/tenancy.ts'
import { brokeGlass, listAble, listApprovers } from './approvals/approvers.ts'
import { askedOf } from './approvals/asked.ts'
import { type Decider, either } from './approvals/deciders.ts'
import { pusherUnknownNote } from './approvals/pusher.ts'
import {
  type ApprovalRow,
  endApproval,
  expiredReason,
  isLiving,
  livingStatuses,
  shortId,
} from './approvals/state.ts'
import { type Basis, type HashedSubject, hashSubject, recordAuthorization } from './authorizations.ts'
import { type ApprovalRule, durationMs } from './policy/document.ts'
import { type Frozen, frozenAt } from './policy/freeze.ts'
import { approvalNeeded, lockPolicy, type Policy, policyInForce } from './policy/in-force.ts'

export interface ProtectedRequest {
  readonly action: ProtectedAction
  readonly projectId: string
  readonly environmentId?: string
  /** Exactly what would happen, as plain JSON: the approval is bound to it. */
  readonly subject: Readonly<Record<string, unknown>>
  /** The same in one line for people. */
  readonly summary: string
  /** Actor, and the member behind it where there is one: neither may approve. */
  readonly requestedBy: string
  readonly requesterId?: string
  /** Of the login with which it was asked for: none of them may approve either. */
  readonly requesterIssuers?: readonly string[]
  /** E-mail address. */
  readonly commitAuthor?: string
  readonly runId?: string
  /** The build that it is about, where there is no run yet. */
  readonly aboutRunId?: string
}

export type Verdict =
  | {
      readonly kind: 'authorized'
      readonly authorizationId: string
      readonly basis: Basis
      /** `approved by ana, bob`, for people. */
      readonly explanation: string
    }
  | {
      readonly kind: 'waiting'
      readonly approvalId: string
      readonly reason: string
      /** When a freeze that is all it waits for ends. */
      readonly until?: Date
    }
  | { readonly kind: 'refused'; readonly approvalId?: string; readonly reason: string }

/**
 * The one place that lets a protected action happen. Goes by the policy in force at this moment: asks for an approval
 * of exactly this subject when one is needed, or looks how far it has come; who may approve, four eyes and the freeze
 * are judged now, not as of the votes. `authorized` comes once for each approval: it is used up, and the authorization
 * that goes with the action is written, in this transaction. Asked again for the same run it answers the same.
 *
 * The transaction holds the lock of the run, if there is one. It is the server's own, or the caller was authorized
 * with a permission that changes `approvals` and `authorizations`.
 */
export async function protect(tx: Tx, op: Operation, request: ProtectedRequest): Promise<Verdict> {
  const subject = hashSubject(request.subject)
  await lockPolicy(tx, request.projectId)
  const before = await findAuthorization(tx, request)
  if (before) return before

  const policy = await policyInForce(tx, request.projectId)
  const rule = approvalNeeded(policy.document, request.action)
  if (rule === 'forbidden') {
    await voidOthers(tx, op, request, '')
    return { kind: 'refused', reason: `the policy forbids ${request.action} (approvals.${request.action})` }
  }
  await voidOthers(tx, op, request, subject.sha256)
  const frozen = frozenAt(policy.document.freeze, request.action, new Date())
  const asked = await findApproval(tx, request, subject.sha256)
  if (!asked && !rule && !frozen) {
    const leave = { basis: 'policy', explanation: noApproval } as const
    return await grantLeave(tx, op, request, subject.sha256, policy, leave)
  }
  const approval = asked ?? (await ask(tx, op, request, subject, policy, rule, frozen))
  return await judge(tx, op, request, approval, policy, rule, frozen)
}

/** What was authorized for the run before stays so: the run may be looked at again at any time. */
async function findAuthorization(tx: Tx, { runId, action }: ProtectedRequest): Promise<Verdict | undefined> {
  if (!runId) return undefined
  const row = await tx
    .selectFrom('authorizations')
    .select(['id', 'basis'])
    .where('run_id', '=', runId)
    .where('action', '=', action)
    .executeTakeFirst()
  return (
    row && {
      kind: 'authorized',
      authorizationId: row.id,
      basis: row.basis,
      explanation: 'was authorized before',
    }
  )
}

/** An approval of the same run for anything else is void: what it was about has changed. */
async function voidOthers(
  tx: Tx,
  op: Operation,
  { runId, action }: ProtectedRequest,
  subjectSha256: string,
): Promise<void> {
  if (!runId) return
  const others = await tx
    .selectFrom('approvals')
    .selectAll()
    .where('run_id', '=', runId)
    .where('action', '=', action)
    .where('subject_sha256', '<>', subjectSha256)
    .where('status', 'in', livingStatuses)
    .forUpdate()
    .execute()
  for (const row of others) {
    const reason = subjectSha256
      ? 'what would happen has changed since it was asked for'
      : 'the policy forbids the action now'
    await endApproval(tx, op, row, 'void', reason)
  }
}

/**
 * The latest for this subject: of the run; without a run, a living one that the same actor asked for. One that is
 * void counts for nothing; a rejected or expired one is the answer to its run.
 */
async function findApproval(
  tx: Tx,
  request: ProtectedRequest,
  subjectSha256: string,
): Promise<ApprovalRow | undefined> {
  const query = tx
    .selectFrom('approvals')
    .selectAll()
    .where('project_id', '=', request.projectId)
    .where('action', '=', request.action)
    .where('subject_sha256', '=', subjectSha256)
    .orderBy('created_at', 'desc')
    .limit(1)
    .forUpdate()
  return request.runId
    ? await query
        .where('run_id', '=', request.runId)
        .where('status', 'in', [...livingStatuses, 'rejected', 'expired'])
        .executeTakeFirst()
    : await query
        .where('run_id', 'is', null)
        .where('environment_id', 'is not distinct from', request.environmentId ?? null)
        .where('requested_by', '=', request.requestedBy)
        .where('status', 'in', livingStatuses)
        .where('expires_at', '>', new Date())
        .executeTakeFirst()
}

/** Writes down that it was asked for. */
export async function ask(
  tx: Tx,
  op: Operation,
  request: ProtectedRequest,
  subject: HashedSubject,
  policy: Policy,
  rule: ApprovalRule | undefined,
  frozen: Frozen | undefined,
): Promise<ApprovalRow> {
  // In a freeze it can be given, and used when that has ended.
  const from = frozen?.until ?? new Date()
  const expiresAt = new Date(from.getTime() + durationMs(rule?.expiresAfter ?? expiresAfterFreeze))
  const row = await tx
    .insertInto('approvals')
    .values({
      organization_id: op.organizationId,
      project_id: request.projectId,
      environment_id: request.environmentId ?? null,
      action: request.action,
      status: rule ? 'open' : 'approved',
      summary: request.summary,
      subject: subject.text,
      subject_sha256: subject.sha256,
      run_id: request.runId ?? null,
      about_run_id: request.aboutRunId ?? null,
      requested_by: request.requestedBy,
      requester_id: request.requesterId ?? null,
      requester_issuers: [...(request.requesterIssuers ?? [])],
      commit_author: request.commitAuthor ?? '',
      rule: JSON.stringify(rule ?? 'none'),
      policy_version: policy.version,
      expires_at: expiresAt,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  await audit(
    tx,
    op,
    'approval.request',
    { kind: 'approval', id: row.id, projectId: row.project_id },
    {
      action: row.action,
      summary: row.summary,
      subjectSha256: row.subject_sha256,
      requestedBy: row.requested_by,
      loginIssuedBy: row.requester_issuers,
      policyVersion: policy.version,
      run: request.runId ?? null,
    },
  )
  return row
}

/** For what needs no approval and only waits. */
const expiresAfterFreeze = '72h'

async function judge(
  tx: Tx,
  op: Operation,
  request: ProtectedRequest,
  approval: ApprovalRow,
  policy: Policy,
  rule: ApprovalRule | undefined,
  frozen: Frozen | undefined,
): Promise<Verdict> {
  const id = shortId(approval.id)
  const refused = ({ status, reason }: ApprovalRow): Verdict => ({
    kind: 'refused',
    approvalId: approval.id,
    reason: status === 'rejected' ? reason : `approval ${id} ${reason}`,
  })
  if (!isLiving(approval)) return refused(approval)
  if (approval.expires_at <= new Date()) {
    return refused(await endApproval(tx, op, approval, 'expired', expiredReason(approval)))
  }
  if (await brokeGlass(tx, approval, policy)) {
    const explanation = `${approval.broken_by} broke the glass: ${approval.broken_reason}`
    return await use(tx, op, request, approval, policy, { basis: 'break-glass', explanation })
  }

  const approvers = rule ? await listApprovers(tx, approval, rule) : []
  const given = approvers.length
  const status = rule && given < rule.quorum ? 'open' : 'approved'
  if (approval.status !== status) {
    const decided_at = status === 'approved' ? new Date() : null
    await tx.updateTable('approvals').set({ status, decided_at }).where('id', '=', approval.id).execute()
  }
  const waiting = { kind: 'waiting', approvalId: approval.id } as const
  const show = `fairway approval show ${id}`
  const { isPusherUnknown } = await askedOf(tx, approval)
  const unknown = isPusherUnknown ? `; ${pusherUnknownNote}` : ''
  if (rule && status === 'open') {
    const progress = rule.quorum > 1 ? `${given} of ${rule.quorum} given, ` : ''
    const able = await listAble(tx, approval, rule)
    const reason =
      able.length < rule.quorum
        ? tooFew(able, rule, id, policy)
        : `waits for approval ${id} (${progress}by ${either(rule.roles)}${unknown}): ${show}`
    return { ...waiting, reason }
  }
  if (frozen) {
    const until = formatTime(frozen.until)
    const reason = `waits until ${until}, the end of the freeze ${JSON.stringify(frozen.window)}: ${show}`
    return { ...waiting, reason, until: frozen.until }
  }
  const leave = rule
    ? ({ basis: 'approval', explanation: `approved by ${approvers.join(', ')}${unknown}` } as const)
    : ({ basis: 'policy', explanation: noApproval } as const)
  return await use(tx, op, request, approval, policy, leave)
}

/** Somebody who works alone has to be told, or they would wait for nobody. */
function tooFew(able: readonly Decider[], rule: ApprovalRule, id: string, { document }: Policy): string {
  const wanted =
    rule.quorum === 1 ? 'which nobody may give' : `${rule.quorum} of them, which only ${able.length} may give`
  const glass = document.breakGlass.allowed ? `, break the glass (fairway approval break-glass ${id})` : ''
  return (
    `waits for approval ${id} (by ${either(rule.roles)}; not by who asked for it or wrote it), ${wanted}: ` +
    `add somebody who may (fairway member add)${glass}, or ask for less in the policy (fairway policy set)`
  )
}

interface Leave {
  readonly basis: Basis
  readonly explanation: string
}

const noApproval = 'the policy asks for no approval'

async function use(
  tx: Tx,
  op: Operation,
  request: ProtectedRequest,
  approval: ApprovalRow,
  policy: Policy,
  leave: Leave,
): Promise<Verdict> {
  await tx
    .updateTable('approvals')
    .set({ status: 'used', used_at: new Date() })
    .where('id', '=', approval.id)
    .execute()
  return await grantLeave(tx, op, request, approval.subject_sha256, policy, leave, approval.id)
}

async function grantLeave(
  tx: Tx,
  op: Operation,
  request: ProtectedRequest,
  subjectSha256: string,
  policy: Policy,
  leave: Leave,
  approvalId?: string,
): Promise<Verdict> {
  const authorizationId = await recordAuthorization(tx, op, {
    ...request,
    subjectSha256,
    policyVersion: policy.version,
    basis: leave.basis,
    approvalId,
  })
  return { kind: 'authorized', authorizationId, ...leave }
}
