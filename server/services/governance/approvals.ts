import type { Approval } from '../../../proto/gen/fairway/v1/approvals_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { DomainError, invalid, wrongState } from '../../errors.ts'
import { listApprovers } from '../../governance/approvals/approvers.ts'
import { askedOf } from '../../governance/approvals/asked.ts'
import {
  type Decider,
  listDeciders,
  objectionTo,
  placeOfApproval,
} from '../../governance/approvals/deciders.ts'
import { onePerson } from '../../governance/approvals/same-person.ts'
import {
  type ApprovalRow,
  endApproval,
  expiredReason,
  isLiving,
  shortId,
} from '../../governance/approvals/state.ts'
import { lockRunOf, wakeRun } from '../../governance/approvals/waiting-runs.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { policyInForce } from '../../governance/policy/in-force.ts'
import { approvalMessage, requireApproval, ruleInForce } from './approval-views.ts'
import { glassRefusal } from './glass-refusal.ts'

const mostNote = 2_000
const leastReason = 10

/**
 * One vote for exactly what the caller was shown. Throws `approval-not-found`, `approval-ended`, `approval-changed`,
 * `not-your-approval` (four eyes, role), `voted-already`, `no-approval-needed`, `action-forbidden`.
 */
export async function approve(
  context: AppContext,
  caller: Caller,
  wanted: { approvalId: string; subjectSha256: string; note: string },
): Promise<Approval> {
  const note = requireNote('note', wanted.note)
  return await decide(context, caller, wanted.approvalId, async (tx, row) => {
    requireLiving(row)
    if (wanted.subjectSha256.toLowerCase() !== row.subject_sha256) {
      throw new DomainError(
        'changed',
        'approval-changed',
        `What would happen is not what you were shown (its hash is ${row.subject_sha256}). ` +
          `Look again: fairway approval show ${shortId(row.id)}`,
      )
    }
    const rule = await ruleInForce(tx, row)
    if (!rule)
      throw wrongState('no-approval-needed', `The policy asks for no approval of ${row.action} any more.`)
    const decider = await requireDecider(tx, caller, row)
    const objection = objectionTo(decider, rule, await askedOf(tx, row), caller.access.loginIssuers)
    if (objection)
      throw new DomainError('forbidden', 'not-your-approval', `You may not approve this: ${objection}.`)
    if (!(await vote(tx, caller, row, decider, 'approve', note))) {
      throw wrongState('voted-already', 'You have decided about this already; each person has one vote.')
    }
    const given = (await listApprovers(tx, row, rule)).length
    if (given >= rule.quorum) {
      await tx
        .updateTable('approvals')
        .set({ status: 'approved', decided_at: new Date() })
        .where('id', '=', row.id)
        .execute()
    }
    await audit(tx, caller, 'approval.approve', subjectOf(row), {
      action: row.action,
      subjectSha256: row.subject_sha256,
      note,
      given,
      quorum: rule.quorum,
      loginIssuedBy: loginOf(caller),
    })
  })
}

/** One is enough, and it is final: the run that waits ends red. Throws `approval-not-found`, `approval-ended`. */
export async function reject(
  context: AppContext,
  caller: Caller,
  wanted: { approvalId: string; note: string },
): Promise<Approval> {
  const note = requireNote('note', wanted.note)
  return await decide(context, caller, wanted.approvalId, async (tx, row) => {
    requireLiving(row)
    const decider = await requireDecider(tx, caller, row)
    await vote(tx, caller, row, decider, 'reject', note)
    const reason = `rejected by ${caller.actor}${note ? `: ${note}` : ''}`
    await endApproval(tx, caller, row, 'rejected', reason)
  })
}

/**
 * Lets it go ahead without approval, or in a freeze; what follows is a review by somebody else. Throws
 * `approval-not-found`, `approval-ended`, `break-glass-forbidden`, `action-forbidden`, `invalid-reason`.
 */
export async function breakGlass(
  context: AppContext,
  caller: Caller,
  wanted: { approvalId: string; reason: string },
): Promise<Approval> {
  const reason = requireNote('reason', wanted.reason)
  if (reason.length < leastReason) {
    throw invalid('reason', `Say why in at least ${leastReason} characters: somebody will review it.`)
  }
  return await decide(context, caller, wanted.approvalId, async (tx, row) => {
    requireLiving(row)
    await ruleInForce(tx, row)
    const { document } = await policyInForce(tx, row.project_id)
    const refusal = glassRefusal(document, await requireDecider(tx, caller, row))
    if (refusal) throw new DomainError('forbidden', 'break-glass-forbidden', refusal)
    if (row.broken_by) throw wrongState('broken-already', `${row.broken_by} broke the glass already.`)
    await tx
      .updateTable('approvals')
      .set({
        status: 'approved',
        broken_by: caller.actor,
        broken_issuers: loginOf(caller),
        broken_reason: reason,
        broken_at: new Date(),
      })
      .where('id', '=', row.id)
      .execute()
    await audit(tx, caller, 'approval.break-glass', subjectOf(row), {
      action: row.action,
      summary: row.summary,
      subjectSha256: row.subject_sha256,
      reason,
      loginIssuedBy: loginOf(caller),
    })
  })
}

/** Throws `approval-not-found`, `no-review`, `review-closed`, `not-your-review`, `invalid-note`. */
export async function closeReview(
  context: AppContext,
  caller: Caller,
  wanted: { approvalId: string; note: string },
): Promise<Approval> {
  const note = requireNote('note', wanted.note)
  if (note === '') throw invalid('note', 'Say what the review found: --note TEXT.')
  return await decide(context, caller, wanted.approvalId, async (tx, row) => {
    if (!row.broken_by) {
      throw wrongState(
        'no-review',
        `Nobody broke the glass for approval ${shortId(row.id)}: there is no review.`,
      )
    }
    if (row.review_closed_by) throw wrongState('review-closed', `${row.review_closed_by} closed it already.`)
    const breaker = { actor: row.broken_by, issuers: row.broken_issuers }
    const same = onePerson({ actor: caller.actor, issuers: loginOf(caller) }, breaker)
    if (same) {
      const why =
        row.broken_by === caller.actor
          ? 'You broke the glass yourself'
          : `You may be who broke the glass (${same})`
      throw new DomainError('forbidden', 'not-your-review', `${why}: somebody else has to close the review.`)
    }
    await requireDecider(tx, caller, row)
    await tx
      .updateTable('approvals')
      .set({ review_closed_by: caller.actor, review_note: note, review_closed_at: new Date() })
      .where('id', '=', row.id)
      .execute()
    await audit(tx, caller, 'approval.close-review', subjectOf(row), {
      brokenBy: row.broken_by,
      note,
      loginIssuedBy: loginOf(caller),
    })
  })
}

/** What the four have in common: the right to decide there, the locks, and a look at what came of it. */
async function decide(
  { db }: AppContext,
  caller: Caller,
  id: string,
  change: (tx: Tx, row: ApprovalRow) => Promise<void>,
): Promise<Approval> {
  return await withTenant(db, caller, async (tx) => {
    const known = await requireApproval(tx, id)
    await authorize(tx, caller, 'approval.decide', await placeOfApproval(tx, known))
    await lockRunOf(tx, known.run_id)
    const row = await tx
      .selectFrom('approvals')
      .selectAll()
      .where('id', '=', known.id)
      .forUpdate()
      .executeTakeFirstOrThrow()
    await requireRunGoesOn(tx, row)
    await change(tx, row)
    if (row.run_id) await wakeRun(tx, row.run_id)
    return await approvalMessage(tx, caller, await requireApproval(tx, row.id))
  })
}

function requireLiving(row: ApprovalRow): void {
  if (isLiving(row) && row.expires_at > new Date()) return
  const end = isLiving(row) ? expiredReason(row) : `is ${row.status}${row.reason ? ` (${row.reason})` : ''}`
  throw wrongState(
    'approval-ended',
    `Approval ${shortId(row.id)} ${end}: there is nothing to decide any more.`,
  )
}

/** A run on its way to its end lets nothing happen any more, though its approval may not be void yet. */
async function requireRunGoesOn(tx: Tx, row: ApprovalRow): Promise<void> {
  if (!row.run_id || !isLiving(row)) return
  const run = await tx
    .selectFrom('runs')
    .select('cancel_cause')
    .where('id', '=', row.run_id)
    .executeTakeFirstOrThrow()
  if (run.cancel_cause === null) return
  throw wrongState('approval-ended', `The run that approval ${shortId(row.id)} was for is being ended.`)
}

async function requireDecider(tx: Tx, caller: Caller, row: ApprovalRow): Promise<Decider> {
  const deciders = await listDeciders(tx, await placeOfApproval(tx, row))
  const decider = deciders.find(({ memberId }) => memberId === caller.access.memberId)
  if (decider) return decider
  throw new DomainError(
    'forbidden',
    'not-your-approval',
    'Only members who hold a role that decides here may do this.',
  )
}

/** False when that member has voted before: a vote is never changed. */
async function vote(
  tx: Tx,
  caller: Caller,
  row: ApprovalRow,
  { memberId }: Decider,
  decision: 'approve' | 'reject',
  note: string,
): Promise<boolean> {
  const added = await tx
    .insertInto('approval_votes')
    .values({
      organization_id: caller.organizationId,
      approval_id: row.id,
      member_id: memberId,
      decision,
      note,
      issuers: loginOf(caller),
    })
    .onConflict((conflict) => conflict.columns(['approval_id', 'member_id']).doNothing())
    .returning('id')
    .executeTakeFirst()
  return added !== undefined
}

function requireNote(field: 'note' | 'reason', text: string): string {
  const trimmed = text.trim()
  if (trimmed.length > mostNote) throw invalid(field, `Keep it to ${mostNote} characters.`)
  return trimmed
}

/** Through whose hands the caller’s login went; it stands with whatever they decide. */
const loginOf = ({ access }: Caller): string[] => [...(access.loginIssuers ?? [])]

const subjectOf = (row: ApprovalRow) => ({ kind: 'approval', id: row.id, projectId: row.project_id })
