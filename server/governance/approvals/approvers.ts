import type { Tx } from '../../db/tenancy.ts'
import type { ApprovalRule } from '../policy/document.ts'
import type { Policy } from '../policy/in-force.ts'
import { askedOf } from './asked.ts'
import { type Decider, listDeciders, objectionTo, placeOfApproval } from './deciders.ts'
import { distinctPeople } from './same-person.ts'
import type { ApprovalRow } from './state.ts'

/**
 * Names of those who approved it, and who may by the rule as of now. Two who may be one person, because one issued the
 * code that the other is logged in with, count once.
 */
export async function listApprovers(
  tx: Tx,
  approval: ApprovalRow,
  rule: ApprovalRule,
): Promise<readonly string[]> {
  const votes = await tx
    .selectFrom('approval_votes')
    .select(['member_id', 'issuers'])
    .where('approval_id', '=', approval.id)
    .where('decision', '=', 'approve')
    .execute()
  const logins = new Map(votes.map(({ member_id, issuers }) => [member_id, issuers]))
  if (logins.size === 0) return []
  const deciders = await listDeciders(tx, await placeOfApproval(tx, approval))
  const asked = await askedOf(tx, approval)
  const voters = deciders.flatMap((decider) => {
    const issuers = logins.get(decider.memberId)
    const counts = issuers !== undefined && !objectionTo(decider, rule, asked, issuers)
    return counts ? [{ name: decider.name, actor: `member:${decider.name}`, issuers }] : []
  })
  return distinctPeople(voters).map(({ name }) => name)
}

/** Whose vote counts as of now, given or not. */
export async function listAble(tx: Tx, approval: ApprovalRow, rule: ApprovalRule): Promise<Decider[]> {
  const deciders = await listDeciders(tx, await placeOfApproval(tx, approval))
  const asked = await askedOf(tx, approval)
  return deciders.filter((decider) => !objectionTo(decider, rule, asked))
}

/** Whether whoever broke the glass may do so as of now. */
export async function brokeGlass(tx: Tx, approval: ApprovalRow, { document }: Policy): Promise<boolean> {
  if (!approval.broken_by || !document.breakGlass.allowed) return false
  const deciders = await listDeciders(tx, await placeOfApproval(tx, approval))
  return deciders.some(
    ({ name, roles }) =>
      approval.broken_by === `member:${name}` &&
      roles.some((role) => document.breakGlass.roles.includes(role)),
  )
}
