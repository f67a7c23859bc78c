import { create } from '@bufbuild/protobuf'
import { jsonArrayFrom } from 'kysely/helpers/postgres'
import type { LoginNotice } from '../../../proto/gen/fairway/v1/identity_pb.js'
import { type Member, MemberSchema } from '../../../proto/gen/fairway/v1/members_pb.js'
import type { AppContext } from '../../context.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { authorize, type Caller, seesAll } from '../../governance/authorize.ts'
import { loginNotices } from '../identity/login-notices.ts'
import { timestampOf } from '../messages.ts'
import { requireProject } from '../projects/projects.ts'

/** Living members; of a project those who see it. Throws `project-not-found`, `permission-denied`. */
export async function listMembers(
  { db }: AppContext,
  caller: Caller,
  projectName: string,
): Promise<Member[]> {
  return await withTenant(db, caller, async (tx) => {
    const project = projectName ? await requireProject(tx, projectName) : undefined
    await authorize(tx, caller, 'member.read', { projectId: project?.id })
    const rows = await memberRows(tx)
      .where('members.removed_at', 'is', null)
      .orderBy('members.name')
      .execute()
    const notices = await loginNotices(
      tx,
      rows.map(({ id }) => id),
    )
    const seeing = project && new Set([...(await granted(tx, project.id))])
    return rows
      .filter(
        (row) =>
          !project ||
          seesAll(row.role) ||
          seeing?.has(row.id) ||
          row.project_roles.some((role) => role.project === project.name),
      )
      .map((row) => messageOf(row, notices.get(row.id)))
  })
}

export async function memberMessage(tx: Tx, id: string): Promise<Member> {
  const row = await memberRows(tx).where('members.id', '=', id).executeTakeFirstOrThrow()
  return messageOf(row, (await loginNotices(tx, [id])).get(id))
}

/** Those with a living grant in the project. */
async function granted(tx: Tx, projectId: string): Promise<string[]> {
  const rows = await tx
    .selectFrom('grants')
    .select('member_id')
    .where('project_id', '=', projectId)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', new Date())
    .execute()
  return rows.map(({ member_id }) => member_id)
}

const memberRows = (tx: Tx) =>
  tx
    .selectFrom('members')
    .selectAll('members')
    .select((eb) => [
      jsonArrayFrom(
        eb
          .selectFrom('project_members')
          .innerJoin('projects', 'projects.id', 'project_members.project_id')
          .select(['projects.name as project', 'project_members.role'])
          .whereRef('project_members.member_id', '=', 'members.id')
          .where('project_members.ended_at', 'is', null)
          .orderBy('projects.name'),
      ).as('project_roles'),
    ])

type Row = Awaited<ReturnType<ReturnType<typeof memberRows>['executeTakeFirstOrThrow']>>

const messageOf = (row: Row, loginNotices: LoginNotice[] = []): Member =>
  create(MemberSchema, {
    id: row.id,
    name: row.name,
    role: row.role,
    projectRoles: row.project_roles.map(({ project, role }) => ({ project, role })),
    createdAt: timestampOf(row.created_at),
    lastSeenAt: timestampOf(row.last_seen_at),
    loginNotices,
  })
