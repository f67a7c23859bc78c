import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { notFound } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { voidLoginCodes } from '../identity/login-codes.ts'
import { requireProject } from '../projects/projects.ts'
import { endGrants } from './grants.ts'
import { requireAnotherOwner } from './last-owner.ts'
import { requireMember } from './member-names.ts'

/**
 * Takes away the role and the grants in a project; without a project the membership with all its sessions, tokens,
 * codes, roles and grants. Throws `member-not-found`, `project-not-found`, `project-role-not-found`, `last-owner`.
 */
export async function removeMember(
  { db }: AppContext,
  caller: Caller,
  wanted: { member: string; project: string },
): Promise<void> {
  await withTenant(db, caller, async (tx) => {
    const project = wanted.project ? await requireProject(tx, wanted.project) : undefined
    await authorize(tx, caller, 'member.manage')
    const member = await requireMember(tx, wanted.member)
    if (!project && member.role === 'owner') await requireAnotherOwner(tx, member)
    const roles = await endProjectRoles(tx, member.id, project?.id)
    const grants = await endGrants(tx, member.id, project?.id)
    if (project && roles.length === 0 && grants.length === 0) {
      throw notFound(
        'project-role',
        `of ${member.name} in ${project.name}`,
        'Who has which: `fairway member list`. Without a project the whole membership is taken away.',
      )
    }
    if (!project) await endMembership(tx, member.id)
    const details = { member: member.name, project: project?.name, roles, grants }
    await audit(
      tx,
      caller,
      'member.remove',
      { kind: 'member', id: member.id, projectId: project?.id },
      details,
    )
  })
}

async function endProjectRoles(tx: Tx, memberId: string, projectId?: string): Promise<string[]> {
  let ending = tx
    .updateTable('project_members')
    .set({ ended_at: new Date() })
    .where('member_id', '=', memberId)
    .where('ended_at', 'is', null)
  if (projectId) ending = ending.where('project_id', '=', projectId)
  return (await ending.returning('role').execute()).map(({ role }) => role)
}

/** Tokens before their member, as authentication touches them: in the other order the two could wait for each other. */
async function endMembership(tx: Tx, memberId: string): Promise<void> {
  const now = new Date()
  await tx
    .updateTable('tokens')
    .set({ revoked_at: now })
    .where('member_id', '=', memberId)
    .where('revoked_at', 'is', null)
    .execute()
  await voidLoginCodes(tx, memberId)
  await tx.updateTable('members').set({ removed_at: now }).where('id', '=', memberId).execute()
}
