import { sql } from 'kysely'
import { didYouMean } from '../../../lib/words/nearest.ts'
import type { Member } from '../../../proto/gen/fairway/v1/members_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { DomainError, invalid, wrongState } from '../../errors.ts'
import { handsOf } from '../../governance/approvals/same-person.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { type MemberRole, memberRoles, type ProjectRole, projectRoles } from '../../governance/matrix.ts'
import { createLoginCode, hasLoggedIn, type LoginCode } from '../identity/login-codes.ts'
import { requireProject } from '../projects/projects.ts'
import { requireAnotherOwner } from './last-owner.ts'
import { type MemberRow, parseMemberName, requireMember } from './member-names.ts'
import { memberMessage } from './member-views.ts'

export interface WantedRole {
  readonly member: string
  readonly role: string
  /** Empty: in the whole organization. */
  readonly project: string
}

/**
 * Gives a role, to a new member or one who is known, in place of the one they had there. A new member gets a one-time
 * code. Throws `invalid-member`, `invalid-role`, `project-not-found`, `role-exists`, `last-owner`, `auditor-only`.
 */
export async function addMember(
  { db }: AppContext,
  caller: Caller,
  wanted: WantedRole,
): Promise<{ member: Member; code?: LoginCode }> {
  const name = parseMemberName(wanted.member)
  return await withTenant(db, caller, async (tx) => {
    const project = wanted.project ? await requireProject(tx, wanted.project) : undefined
    await authorize(tx, caller, 'member.manage')
    const role = project ? 'member' : requireRole(memberRoles, wanted.role)
    const projectRole = project && requireRole(projectRoles, wanted.role)
    const { row, isNew } = await ensureMember(tx, caller, name, role)
    if (project && projectRole) await giveProjectRole(tx, caller, row, { ...project, role: projectRole })
    else if (!isNew) await changeRole(tx, row, role)
    const code = isNew ? await createLoginCode(tx, caller, row.id, invitationBy(caller)) : undefined
    const details = {
      member: name,
      role: wanted.role,
      ...(project && { project: project.name }),
      new: isNew,
      ...(code && { issuedBy: handsOf(caller) }),
    }
    const subject = { kind: 'member', id: row.id, projectId: project?.id }
    await audit(tx, caller, 'member.add', subject, details)
    return { member: await memberMessage(tx, row.id), code }
  })
}

function requireRole<R extends MemberRole | ProjectRole>(known: readonly R[], role: string): R {
  const found = known.find((each) => each === role)
  if (found) return found
  throw invalid(
    'role',
    `${JSON.stringify(role)} is no role${known === (projectRoles as readonly string[]) ? ' in a project' : ''}: ` +
      `give one of ${known.join(', ')}.${didYouMean(role, known)}`,
  )
}

/** One who was removed comes back as new: nothing of what they had is theirs again. */
async function ensureMember(
  tx: Tx,
  caller: Caller,
  name: string,
  role: MemberRole,
): Promise<{ row: MemberRow; isNew: boolean }> {
  const made = await tx
    .insertInto('members')
    .values({ organization_id: caller.organizationId, name, role })
    .onConflict((conflict) =>
      conflict
        .columns(['organization_id', 'name'])
        .doUpdateSet({
          removed_at: null,
          role,
          created_at: sql`now()`,
          oidc_issuer: null,
          oidc_subject: null,
        })
        .where('members.removed_at', 'is not', null),
    )
    .returningAll()
    .executeTakeFirst()
  if (made) return { row: made, isNew: true }
  const row = await tx
    .selectFrom('members')
    .selectAll()
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirstOrThrow()
  return { row, isNew: false }
}

async function changeRole(tx: Tx, member: MemberRow, role: MemberRole): Promise<void> {
  if (member.role === role) throw roleExists(`${member.name} is ${role} already.`)
  if (member.role === 'owner') await requireAnotherOwner(tx, member)
  await tx.updateTable('members').set({ role }).where('id', '=', member.id).execute()
}

async function giveProjectRole(
  tx: Tx,
  caller: Caller,
  member: MemberRow,
  project: { id: string; name: string; role: ProjectRole },
): Promise<void> {
  if (member.role === 'auditor' && project.role !== 'auditor') {
    throw wrongState(
      'auditor-only',
      `${member.name} is auditor, who changes nothing. ` +
        `Give them another role first: \`fairway member add ${member.name} --role member\`.`,
    )
  }
  const now = new Date()
  const living = await tx
    .updateTable('project_members')
    .set({ ended_at: now })
    .where('project_id', '=', project.id)
    .where('member_id', '=', member.id)
    .where('ended_at', 'is', null)
    .returning('role')
    .executeTakeFirst()
  if (living?.role === project.role) {
    throw roleExists(`${member.name} is ${project.role} in ${project.name} already.`)
  }
  await tx
    .insertInto('project_members')
    .values({
      organization_id: caller.organizationId,
      project_id: project.id,
      member_id: member.id,
      role: project.role,
      given_by: caller.actor,
    })
    .execute()
}

const roleExists = (message: string) => new DomainError('duplicate', 'role-exists', message)

const invitationBy = (caller: Caller) => ({ kind: 'invitation', issuedBy: handsOf(caller) }) as const

/**
 * A new one-time code for who has never logged in; the ones before are void. Whoever has is somebody, and a code would be
 * their identity: see recovery.ts. Throws `member-not-found`, `has-logged-in`.
 */
export async function inviteMember({ db }: AppContext, caller: Caller, name: string): Promise<LoginCode> {
  return await withTenant(db, caller, async (tx) => {
    await authorize(tx, caller, 'member.manage')
    const member = await requireMember(tx, name)
    if (await hasLoggedIn(tx, member)) {
      throw wrongState(
        'has-logged-in',
        `${member.name} has logged in before, and a code would let whoever has it act as them. ` +
          `If they lost their access, two owners recover it: \`fairway member recover ${member.name}\`.`,
      )
    }
    const made = await createLoginCode(tx, caller, member.id, invitationBy(caller))
    const details = {
      member: member.name,
      issuedBy: handsOf(caller),
      expiresAt: made.expiresAt.toISOString(),
    }
    await audit(tx, caller, 'member.invite', { kind: 'member', id: member.id }, details)
    return made
  })
}
