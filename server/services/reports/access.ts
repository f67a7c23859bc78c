import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import {
  type AccessLine,
  AccessLineSchema,
  type ReportSpan,
} from '../../../proto/gen/fairway/v1/reports_pb.js'
import type { AppContext } from '../../context.ts'
import type { Tx } from '../../db/tenancy.ts'
import type { Caller } from '../../governance/authorize.ts'
import { timestampOf } from '../messages.ts'
import { roleHistory } from './role-history.ts'
import { mostLines, readReport, type Span } from './span.ts'

type Line = MessageInitShape<typeof AccessLineSchema>

/**
 * Who could do what at some time in the span: roles in the organization and in projects, grants, sessions and tokens,
 * also those that have ended since. By member, then in the order in which they began. With a project: only whoever
 * could reach it. Throws what readReport throws.
 */
export async function reportAccess(
  app: AppContext,
  caller: Caller,
  wanted: ReportSpan | undefined,
): Promise<AccessLine[]> {
  return await readReport(app, caller, wanted, async (tx, span) => {
    const inProjects = [...(await projectRoles(tx, span)), ...(await grants(tx, span))]
    const roles = await organizationRoles(tx, span)
    // A plain member reaches a project through what that project gave them, and through nothing else.
    const reaching = new Set([
      ...inProjects.map(({ member }) => member),
      ...roles.filter(({ what }) => what !== 'member').map(({ member }) => member),
    ])
    const lines = [...roles, ...inProjects, ...(await tokens(tx, span))]
      .filter(({ member, project }) => !span.projectId || project || reaching.has(member))
      .map((line) => create(AccessLineSchema, line))
    return lines
      .sort((a, b) => compare(a.member, b.member) || startOf(a) - startOf(b))
      .slice(0, mostLines + 1)
  })
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
const startOf = ({ from }: AccessLine) => (from ? timestampDate(from).getTime() : 0)

async function organizationRoles(tx: Tx, { from, to }: Span): Promise<Line[]> {
  const history = await roleHistory(tx)
  return history
    .filter((held) => held.from < to && (!held.until || held.until >= from))
    .map((held) => ({
      member: held.member.name,
      kind: 'role',
      what: held.role,
      givenBy: held.givenBy,
      from: timestampOf(held.from),
      until: timestampOf(held.until),
      lastUsedAt: held.until ? undefined : timestampOf(held.member.last_seen_at),
    }))
}

async function projectRoles(tx: Tx, { from, to, projectId }: Span): Promise<Line[]> {
  let query = tx
    .selectFrom('project_members')
    .innerJoin('members', 'members.id', 'project_members.member_id')
    .innerJoin('projects', 'projects.id', 'project_members.project_id')
    .select((eb) => [
      'members.name as member',
      'projects.name as project',
      'project_members.role',
      'project_members.given_by',
      'project_members.created_at',
      eb.fn<Date | null>('least', ['project_members.ended_at', 'members.removed_at']).as('until'),
    ])
    .where('project_members.created_at', '<', to)
    .where((eb) =>
      eb.or([eb('project_members.ended_at', 'is', null), eb('project_members.ended_at', '>=', from)]),
    )
    .where((eb) => eb.or([eb('members.removed_at', 'is', null), eb('members.removed_at', '>=', from)]))
  if (projectId) query = query.where('project_members.project_id', '=', projectId)
  return (await query.execute()).map((row) => ({
    member: row.member,
    kind: 'role',
    project: row.project,
    what: row.role,
    givenBy: row.given_by,
    from: timestampOf(row.created_at),
    until: timestampOf(row.until),
  }))
}

async function grants(tx: Tx, { from, to, projectId }: Span): Promise<Line[]> {
  let query = tx
    .selectFrom('grants')
    .innerJoin('members', 'members.id', 'grants.member_id')
    .innerJoin('projects', 'projects.id', 'grants.project_id')
    .select((eb) => [
      'members.name as member',
      'projects.name as project',
      'grants.permission',
      'grants.stage',
      'grants.environment',
      'grants.granted_by',
      'grants.created_at',
      eb.fn<Date>('least', ['grants.expires_at', 'grants.revoked_at', 'members.removed_at']).as('until'),
    ])
    .where('grants.created_at', '<', to)
    .where((eb) =>
      eb(eb.fn<Date>('least', ['grants.expires_at', 'grants.revoked_at', 'members.removed_at']), '>=', from),
    )
  if (projectId) query = query.where('grants.project_id', '=', projectId)
  return (await query.execute()).map((row) => ({
    member: row.member,
    kind: 'grant',
    project: row.project,
    what: `${row.permission} on ${row.environment ?? row.stage ?? 'every environment'}`,
    givenBy: row.granted_by,
    from: timestampOf(row.created_at),
    until: timestampOf(row.until),
  }))
}

async function tokens(tx: Tx, { from, to, projectId }: Span): Promise<Line[]> {
  let query = tx
    .selectFrom('tokens')
    .leftJoin('members', 'members.id', 'tokens.member_id')
    .leftJoin('projects', 'projects.id', 'tokens.project_id')
    .select((eb) => [
      'members.name as member',
      'tokens.actor',
      'tokens.kind',
      'tokens.name',
      'tokens.scopes',
      'tokens.created_at',
      'tokens.last_used_at',
      'projects.name as project',
      eb
        .fn<Date | null>('least', ['tokens.expires_at', 'tokens.revoked_at', 'members.removed_at'])
        .as('until'),
    ])
    .where('tokens.created_at', '<', to)
    .where((eb) => {
      const until = eb.fn<Date | null>('least', [
        'tokens.expires_at',
        'tokens.revoked_at',
        'members.removed_at',
      ])
      return eb.or([eb(until, 'is', null), eb(until, '>=', from)])
    })
  if (projectId)
    query = query.where((eb) =>
      eb.or([eb('tokens.project_id', 'is', null), eb('tokens.project_id', '=', projectId)]),
    )
  return (await query.execute()).map((row) => ({
    member: row.member ?? row.actor ?? '',
    kind: row.kind === 'session' ? 'session' : 'token',
    project: row.project ?? '',
    what: row.scopes.length > 0 ? `${row.name} (${row.scopes.join(', ')})` : row.name,
    from: timestampOf(row.created_at),
    until: timestampOf(row.until),
    lastUsedAt: timestampOf(row.last_used_at),
  }))
}
