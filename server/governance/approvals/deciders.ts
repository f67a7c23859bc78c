import type { Stage } from '../../db/tables/projects.ts'
import type { Tx } from '../../db/tenancy.ts'
import type { ApprovalRule, DeciderRole } from '../policy/document.ts'
import { type Asked, mayBe } from './asked.ts'
import { pusherUnknownNote } from './pusher.ts'
import { peopleOf } from './same-person.ts'

/** A member who may decide approvals in some place, now. */
export interface Decider {
  readonly memberId: string
  readonly name: string
  readonly roles: readonly DeciderRole[]
}

/** Where an approval belongs. */
export interface ApprovalPlace {
  readonly projectId: string
  readonly environment?: { readonly name: string; readonly stage: Stage }
}

export async function placeOfApproval(
  tx: Tx,
  row: { project_id: string; environment_id: string | null },
): Promise<ApprovalPlace> {
  if (!row.environment_id) return { projectId: row.project_id }
  const environment = await tx
    .selectFrom('environments')
    .select(['name', 'stage'])
    .where('id', '=', row.environment_id)
    .executeTakeFirstOrThrow()
  return { projectId: row.project_id, environment }
}

/**
 * Who holds a role that decides there at this moment: in the organization, in the project, or as release manager by a
 * living grant of `approval.decide`. Removed members hold none.
 */
export async function listDeciders(tx: Tx, { projectId, environment }: ApprovalPlace): Promise<Decider[]> {
  const members = await tx
    .selectFrom('members')
    .select(['id', 'name', 'role'])
    .where('removed_at', 'is', null)
    .orderBy('name')
    .execute()
  const inProject = await tx
    .selectFrom('project_members')
    .select('member_id')
    .where('project_id', '=', projectId)
    .where('role', '=', 'release-manager')
    .where('ended_at', 'is', null)
    .execute()
  const grants = await tx
    .selectFrom('grants')
    .select(['member_id', 'stage', 'environment'])
    .where('project_id', '=', projectId)
    .where('permission', '=', 'approval.decide')
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', new Date())
    .execute()
  const covering = grants.filter(
    (grant) =>
      (!grant.stage && !grant.environment) ||
      (environment && (grant.stage === environment.stage || grant.environment === environment.name)),
  )
  const releasers = new Set([...inProject, ...covering].map(({ member_id }) => member_id))
  return members.flatMap(({ id, name, role }) => {
    const roles: DeciderRole[] = role === 'owner' || role === 'release-manager' ? [role] : []
    if (releasers.has(id) && role !== 'release-manager') roles.push('release-manager')
    return roles.length > 0 ? [{ memberId: id, name, roles }] : []
  })
}

/**
 * Why that person may not approve it; empty when they may. `issuers` are those of the login that they vote with: it may
 * be any of them who votes.
 */
export function objectionTo(
  decider: Decider,
  rule: ApprovalRule,
  asked: Asked,
  issuers: readonly string[] = [],
): string {
  if (!decider.roles.some((role) => rule.roles.includes(role))) {
    return `${decider.name} does not approve ${asked.action} here: the policy asks for ${either(rule.roles)}`
  }
  const as = (name: string) => (name.toLowerCase() === decider.name.toLowerCase() ? '' : ` (as ${name})`)
  const asker = asked.askers.find((name) => mayBe(decider.name, name))
  if (decider.memberId === asked.requester_id || asker !== undefined) {
    return `${decider.name} asked for it${as(asker ?? decider.name)}, and nobody approves what they asked for or pushed`
  }
  if (isAuthorKept(rule, asked) && mayBe(decider.name, asked.commit_author)) {
    const why = rule.commitAuthorMayApprove ? pusherUnknownNote : 'the policy asks for somebody else'
    return `${decider.name} is the author of the commit${as(asked.commit_author)}, and ${why}`
  }
  return objectionToLogin(decider, rule, asked, issuers)
}

/** Whether the author may not approve: where nobody knows who pushed, it is as good as theirs, whatever the policy says. */
const isAuthorKept = (rule: ApprovalRule, { isPusherUnknown }: Asked): boolean =>
  !rule.commitAuthorMayApprove || isPusherUnknown

function objectionToLogin(
  { name }: Decider,
  rule: ApprovalRule,
  asked: Asked,
  issuers: readonly string[],
): string {
  const behind = peopleOf(issuers)
  const others = [...asked.askers, ...(isAuthorKept(rule, asked) ? [asked.commit_author] : [])]
  const asker = behind.find((issuer) => others.some((other) => mayBe(issuer, other)))
  if (asker !== undefined) {
    return (
      `${name} is logged in with a code that ${asker} issued, who asked for it or wrote it: ` +
      `log in at the OpenID provider, or let ${asker} ask somebody whose access they did not make`
    )
  }
  if (!asked.askerIssuers.some((issuer) => mayBe(name, issuer))) return ''
  return `${name} issued the code that whoever asked for it is logged in with, and may be the same person`
}

/** `owner or release-manager` */
export const either = (words: readonly string[]): string => words.join(' or ')
