import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { DomainError, wrongState } from '../../errors.ts'
import { handsOf, onePerson } from '../../governance/approvals/same-person.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { createLoginCode, hasLoggedIn, type LoginCode } from '../identity/login-codes.ts'
import { type MemberRow, requireMember } from './member-names.ts'

/** How long the second owner has. */
const recoveryMs = 24 * 3_600_000

/**
 * A lost access: asks for a new code for a member who has logged in before. Nothing is given until another owner confirms
 * it; asked again, the time begins anew and whoever asked last stands in it. Throws `member-not-found`, `not-logged-in`,
 * `no-second-owner`.
 */
export async function requestRecovery(
  { db }: AppContext,
  caller: Caller,
  name: string,
): Promise<{ expiresAt: Date; owners: readonly string[] }> {
  return await withTenant(db, caller, async (tx) => {
    await authorize(tx, caller, 'member.manage')
    const member = await lockMember(tx, await requireMember(tx, name))
    if (!(await hasLoggedIn(tx, member))) {
      throw wrongState(
        'not-logged-in',
        `${member.name} has never logged in: \`fairway member invite ${member.name}\` makes a new code at once.`,
      )
    }
    const owners = await otherOwners(tx, caller, member)
    if (owners.length === 0) throw noSecondOwner(member)
    await endRequests(tx, member)
    const expiresAt = new Date(Date.now() + recoveryMs)
    const { id } = await tx
      .insertInto('member_recoveries')
      .values({
        organization_id: caller.organizationId,
        member_id: member.id,
        requested_by: caller.actor,
        requester_issuers: loginOf(caller),
        expires_at: expiresAt,
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    await audit(
      tx,
      caller,
      'member.recovery-request',
      { kind: 'member', id: member.id },
      {
        member: member.name,
        recovery: id,
        expiresAt: expiresAt.toISOString(),
        loginIssuedBy: loginOf(caller),
      },
    )
    return { expiresAt, owners }
  })
}

/**
 * The code, for whoever confirms to hand over: by an owner who is neither who asked, nor the member, nor logged in with a
 * code of theirs. Throws `member-not-found`, `recovery-not-requested`, `not-your-recovery`.
 */
export async function confirmRecovery(
  { db }: AppContext,
  caller: Caller,
  name: string,
): Promise<LoginCode & { requestedBy: string }> {
  return await withTenant(db, caller, async (tx) => {
    await authorize(tx, caller, 'member.manage')
    const member = await lockMember(tx, await requireMember(tx, name))
    const request = await tx
      .selectFrom('member_recoveries')
      .selectAll()
      .where('member_id', '=', member.id)
      .where('confirmed_at', 'is', null)
      .where('expires_at', '>', new Date())
      .executeTakeFirst()
    if (!request) {
      throw wrongState(
        'recovery-not-requested',
        `No owner asked for a recovery of ${member.name}’s access within a day: \`fairway member recover ${member.name}\`.`,
      )
    }
    const you = { actor: caller.actor, issuers: loginOf(caller) }
    const asker = { actor: request.requested_by, issuers: request.requester_issuers }
    const same = onePerson(you, asker) || onePerson(you, { actor: `member:${member.name}`, issuers: [] })
    if (same) {
      throw new DomainError(
        'forbidden',
        'not-your-recovery',
        `You may not confirm this: ${same}, and a recovery takes two people. Ask another owner.`,
      )
    }
    await tx
      .updateTable('member_recoveries')
      .set({ confirmed_by: caller.actor, confirmed_at: new Date() })
      .where('id', '=', request.id)
      .execute()
    const issuedBy = [
      ...new Set([request.requested_by, ...request.requester_issuers, ...handsOf(caller)]),
    ].sort()
    const made = await createLoginCode(tx, caller, member.id, { kind: 'recovery', issuedBy })
    await audit(
      tx,
      caller,
      'member.recovery-confirm',
      { kind: 'member', id: member.id },
      {
        member: member.name,
        recovery: request.id,
        requestedBy: request.requested_by,
        issuedBy,
        expiresAt: made.expiresAt.toISOString(),
      },
    )
    return { ...made, requestedBy: request.requested_by }
  })
}

const loginOf = ({ access }: Caller): string[] => [...(access.loginIssuers ?? [])]

/** One at a time for a member. */
const lockMember = (tx: Tx, { id }: MemberRow): Promise<MemberRow> =>
  tx.selectFrom('members').selectAll().where('id', '=', id).forUpdate().executeTakeFirstOrThrow()

/** Names of those who could confirm it. */
async function otherOwners(tx: Tx, { access }: Caller, member: MemberRow): Promise<string[]> {
  const owners = await tx
    .selectFrom('members')
    .select(['id', 'name'])
    .where('role', '=', 'owner')
    .where('removed_at', 'is', null)
    .orderBy('name')
    .execute()
  return owners.filter(({ id }) => id !== access.memberId && id !== member.id).map(({ name }) => name)
}

async function endRequests(tx: Tx, { id }: MemberRow): Promise<void> {
  const now = new Date()
  await tx
    .updateTable('member_recoveries')
    .set({ expires_at: now })
    .where('member_id', '=', id)
    .where('confirmed_at', 'is', null)
    .where('expires_at', '>', now)
    .execute()
}

const noSecondOwner = ({ name }: MemberRow) =>
  wrongState(
    'no-second-owner',
    `A recovery takes a second owner to confirm it, and there is none. Whoever operates the server can start it once with ` +
      `FAIRWAY_OWNER_CODE=${name}: it prints a code for them.`,
  )
