import { create } from '@bufbuild/protobuf'
import type { Selectable } from 'kysely'
import { didYouMean } from '../../../lib/words/nearest.ts'
import { type Grant, GrantSchema } from '../../../proto/gen/fairway/v1/members_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import type { GrantsTable } from '../../db/tables/identity.ts'
import type { Stage } from '../../db/tables/projects.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { invalid, notFound, wrongState } from '../../errors.ts'
import { authorize, type Caller, decide } from '../../governance/authorize.ts'
import { isGrantable, isPermission, type Permission, permissions, ruleOf } from '../../governance/matrix.ts'
import { timestampOf } from '../messages.ts'
import { requireProject } from '../projects/projects.ts'
import { isUuid } from '../uuid.ts'
import { findPlace } from './access-place.ts'
import { requireMember } from './member-names.ts'

const defaultSeconds = 7 * 86_400
const mostSeconds = 90 * 86_400

export interface WantedGrant {
  readonly member: string
  readonly project: string
  /** Name of an environment, its branch, or a stage; empty: the whole project. */
  readonly environment: string
  readonly permission: string
  /** 0: a week. */
  readonly lifetimeSeconds: number
}

/**
 * One permission for one member, in a project or a part of it, until it expires. Nobody grants what they don't have,
 * nor the right to grant. Throws `project-not-found`, `member-not-found`, `environment-not-found`,
 * `invalid-permission`, `invalid-lifetime-seconds`, `auditor-only`.
 */
export async function grantPermission(
  { db }: AppContext,
  caller: Caller,
  wanted: WantedGrant,
): Promise<Grant> {
  const seconds = wanted.lifetimeSeconds || defaultSeconds
  if (!(seconds > 0 && seconds <= mostSeconds)) {
    throw invalid('lifetime-seconds', 'A grant lives 90 days at most; grant it again when it ends.')
  }
  return await withTenant(db, caller, async (tx) => {
    const project = await requireProject(tx, wanted.project)
    await authorize(tx, caller, 'grant.manage', { projectId: project.id })
    const permission = requireGrantable(wanted.permission)
    const place = await findPlace(tx, project, wanted.environment)
    if (wanted.environment && ruleOf(permission).reach !== 'environment') {
      throw invalid('permission', `${permission} is for a whole project: leave the environment out.`)
    }
    const member = await requireMember(tx, wanted.member)
    if (member.role === 'auditor' && (ruleOf(permission).writes.length > 0 || permission === 'shell')) {
      throw wrongState('auditor-only', `${member.name} is auditor, who changes nothing.`)
    }
    const own = await decide(tx, caller.access, permission, {
      projectId: project.id,
      environment: place.environment,
    })
    if (!own.allowed) throw wrongState('grant-beyond-own', `You cannot grant ${permission}: ${own.rule}.`)
    const row = await tx
      .insertInto('grants')
      .values({
        organization_id: caller.organizationId,
        project_id: project.id,
        member_id: member.id,
        permission,
        stage: place.kind === 'stage' ? place.stage : null,
        environment: place.kind === 'environment' ? place.environment.name : null,
        granted_by: caller.actor,
        expires_at: new Date(Date.now() + seconds * 1_000),
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    const grant = grantMessage({ ...row, member: member.name, project: project.name })
    await audit(
      tx,
      caller,
      'grant.create',
      { kind: 'grant', id: row.id, projectId: project.id },
      factsOf(row, grant),
    )
    return grant
  })
}

function requireGrantable(permission: string): Permission {
  if (!isPermission(permission)) {
    const known = permissions.filter(isGrantable)
    const hint = didYouMean(permission, known) || ` They are: ${known.join(', ')}.`
    throw invalid('permission', `${JSON.stringify(permission)} is no permission.${hint}`)
  }
  if (!isGrantable(permission)) {
    throw invalid('permission', `${permission} comes with a role only and cannot be granted.`)
  }
  return permission
}

/** Throws `grant-not-found`, `grant-ended`. */
export async function revokeGrant({ db }: AppContext, caller: Caller, id: string): Promise<Grant> {
  return await withTenant(db, caller, async (tx) => {
    const known = isUuid(id) ? await grantRows(tx).where('grants.id', '=', id).executeTakeFirst() : undefined
    if (!known) throw notFound('grant', JSON.stringify(id), 'List them with `fairway member grants`.')
    await authorize(tx, caller, 'grant.manage', { projectId: known.project_id })
    const revoked = await tx
      .updateTable('grants')
      .set({ revoked_at: new Date() })
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', new Date())
      .returningAll()
      .executeTakeFirst()
    if (!revoked) throw wrongState('grant-ended', `The grant ${id} has ended already.`)
    const grant = grantMessage({ ...known, ...revoked })
    const subject = { kind: 'grant', id, projectId: known.project_id }
    await audit(tx, caller, 'grant.revoke', subject, factsOf(known, grant))
    return grant
  })
}

/** Everybody's for who may see members; else the caller's own. Throws `project-not-found`. */
export async function listGrants(
  { db }: AppContext,
  caller: Caller,
  filter: { project: string; all: boolean },
): Promise<Grant[]> {
  return await withTenant(db, caller, async (tx) => {
    const project = filter.project ? await requireProject(tx, filter.project) : undefined
    let query = grantRows(tx).orderBy('grants.created_at', 'desc')
    if (project) query = query.where('grants.project_id', '=', project.id)
    if (!filter.all) {
      query = query.where('grants.revoked_at', 'is', null).where('grants.expires_at', '>', new Date())
    }
    const { allowed } = await decide(tx, caller.access, 'member.read', { projectId: project?.id })
    if (!allowed) query = query.where('grants.member_id', '=', caller.access.memberId ?? null)
    return (await query.execute()).map(grantMessage)
  })
}

/** Ends the member's living grants, in one project or all; gives what they were of. */
export async function endGrants(tx: Tx, memberId: string, projectId?: string): Promise<string[]> {
  const now = new Date()
  let ending = tx
    .updateTable('grants')
    .set({ revoked_at: now })
    .where('member_id', '=', memberId)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', now)
  if (projectId) ending = ending.where('project_id', '=', projectId)
  return (await ending.returning('permission').execute()).map(({ permission }) => permission)
}

const grantRows = (tx: Tx) =>
  tx
    .selectFrom('grants')
    .innerJoin('members', 'members.id', 'grants.member_id')
    .innerJoin('projects', 'projects.id', 'grants.project_id')
    .selectAll('grants')
    .select(['members.name as member', 'projects.name as project'])

const factsOf = (row: { stage: Stage | null; environment: string | null }, grant: Grant) => ({
  member: grant.member,
  project: grant.project,
  permission: grant.permission,
  ...(row.stage && { stage: row.stage }),
  ...(row.environment && { environment: row.environment }),
})

const grantMessage = (row: Selectable<GrantsTable> & { member: string; project: string }): Grant =>
  create(GrantSchema, {
    id: row.id,
    member: row.member,
    project: row.project,
    environment: row.environment ?? '',
    stage: row.stage ?? '',
    permission: row.permission,
    grantedBy: row.granted_by,
    createdAt: timestampOf(row.created_at),
    expiresAt: timestampOf(row.expires_at),
    revokedAt: timestampOf(row.revoked_at),
  })
