import { formatTime } from '../../lib/words/times.ts'
import type { Stage } from '../db/tables/projects.ts'
import { claim, type Operation, type Projects, type Tx } from '../db/tenancy.ts'
import { DomainError } from '../errors.ts'
import {
  isGrantable,
  type MemberRole,
  type Permission,
  type ProjectRole,
  type Role,
  ruleOf,
} from './matrix.ts'
import { requireStateFor } from './project-state.ts'

/** On whose behalf a use case runs, and what they are. */
export interface Caller extends Operation {
  readonly access: CallerAccess
}

export interface CallerAccess {
  /** In the whole organization. */
  readonly role: Role
  readonly memberId?: string
  /** Ids of the projects they see: all, or those they have a role or a living grant in. */
  readonly projects: Projects
  /** By project id. */
  readonly projectRoles: ReadonlyMap<string, ProjectRole>
  /** What the token is confined to: permissions, or `read`; empty: nothing narrower than the member. */
  readonly scopes: readonly string[]
  /** Id of the one project that the token is confined to. */
  readonly tokenProjectId?: string
  /** Of a workflow's token: all it may start is this. */
  readonly workflow?: { readonly ref: string; readonly commit: string }
  readonly branch?: string
  /** Actors through whose hands the code of this login went (see approvals/same-person.ts). */
  readonly loginIssuers?: readonly string[]
}

/** Where the permission is needed. */
export interface Place {
  readonly projectId?: string
  readonly environment?: { readonly name: string; readonly stage: Stage }
}

export interface ConsideredRule {
  readonly rule: string
  readonly allows: boolean
}

export interface Decision {
  readonly allowed: boolean
  /** The rule that decided, in one sentence. */
  readonly rule: string
  readonly considered: readonly ConsideredRule[]
  /** What the transaction goes on as, and where: a role or grant in one project reaches no other. */
  readonly role: string
  readonly projects: Projects
}

/** Roles that see everything in their organization. */
export const seesAll = (role: MemberRole): boolean => role !== 'member'

/**
 * The check of every use case: throws `forbidden` unless the caller may do it there, and lets the rest of the
 * transaction write what that permission changes. Look up what the request names first: what the caller does not see
 * has to answer as absent.
 */
export async function authorize(
  tx: Tx,
  caller: Caller,
  permission: Permission,
  place: Place = {},
): Promise<void> {
  const { access } = caller
  if (access.scopes.length > 0 && !access.scopes.includes(permission) && !readOnly(access, permission)) {
    throw new DomainError(
      'forbidden',
      'token-scope',
      `This token is confined to ${access.scopes.join(', ')}: it may not do this (${permission}). ` +
        'Make another: `fairway token create --scope ' +
        `${permission}\`.`,
    )
  }
  if (beyondTokenProject(access, permission)) {
    throw new DomainError(
      'forbidden',
      'token-project',
      `This token is confined to one project, and this (${permission}) is for the whole organization: ` +
        'use a token made without `--project`.',
    )
  }
  const decision = await decide(tx, access, permission, place)
  if (!decision.allowed) {
    const { roles, production } = ruleOf(permission)
    const able = (place.environment?.stage === 'production' && production) || roles
    const people = able.filter((role) => role !== 'webhook' && role !== 'workflow')
    throw new DomainError(
      'forbidden',
      'permission-denied',
      `You may not do this (${permission}): ${decision.rule}.` +
        (people.length > 0 ? ` Ask one of: ${people.join(', ')}.` : ''),
    )
  }
  if (place.projectId)
    await requireStateFor(tx, permission, place.projectId, ruleOf(permission).writes.length > 0)
  await claim(tx, { permission, role: decision.role, projects: decision.projects })
}

/**
 * Whether a token that is confined to one project lacks a permission of its member because that is the whole
 * organization's. Rows of no project are not kept from it by row-level security. Its member's own tokens are no
 * wider than it is.
 */
export const beyondTokenProject = (
  { tokenProjectId }: Pick<CallerAccess, 'tokenProjectId'>,
  permission: Permission,
): boolean =>
  tokenProjectId !== undefined &&
  ruleOf(permission).reach === 'organization' &&
  permission !== 'token.create' &&
  permission !== 'token.revoke'

const readOnly = ({ scopes }: CallerAccess, permission: Permission): boolean =>
  scopes.includes('read') && ruleOf(permission).writes.length === 0 && permission !== 'shell'

/** What `authorize` goes by, rule by rule; the first that allows decides. Grants are read in the transaction. */
export async function decide(
  tx: Tx,
  access: Pick<CallerAccess, 'role' | 'memberId' | 'projects' | 'projectRoles'>,
  permission: Permission,
  { projectId, environment }: Place,
): Promise<Decision> {
  const rule = ruleOf(permission)
  const production = environment?.stage === 'production'
  const able: readonly Role[] = (production && rule.production) || rule.roles
  const where = production ? ' in production' : ''
  const considered: ConsideredRule[] = []
  const consider = (
    text: string,
    allows: boolean,
    role: string,
    projects: Projects,
  ): Decision | undefined => {
    considered.push({ rule: text, allows })
    return allows ? { allowed: true, rule: text, considered, role, projects } : undefined
  }
  const verb = (role: Role) => (able.includes(role) ? 'may' : 'may not')

  const byRole = consider(
    `the role ${access.role} ${verb(access.role)} ${permission}${where}`,
    able.includes(access.role),
    access.role,
    access.projects,
  )
  if (byRole) return byRole
  const projectRole = projectId && rule.reach !== 'organization' && access.projectRoles.get(projectId)
  if (projectRole) {
    const byProject = consider(
      `the role ${projectRole} in this project ${verb(projectRole)} ${permission}${where}`,
      able.includes(projectRole),
      projectRole,
      [projectId],
    )
    if (byProject) return byProject
  }
  if (access.memberId && projectId && isGrantable(permission)) {
    const byGrant = await findGrant(tx, access.memberId, permission, projectId, environment)
    if (byGrant) {
      const until = formatTime(byGrant.expires_at)
      const text = `${byGrant.granted_by} granted ${permission} on ${byGrant.environment ?? byGrant.stage ?? 'the project'} until ${until}`
      const decision = consider(text, true, access.role, [projectId])
      if (decision) return decision
    }
    considered.push({ rule: `no grant of ${permission} covers this`, allows: false })
  }
  return {
    allowed: false,
    rule: considered[0]?.rule ?? 'no rule allows it',
    considered,
    role: access.role,
    projects: [],
  }
}

/** A living grant that covers the place: for the whole project, its stage, or the environment itself. */
async function findGrant(
  tx: Tx,
  memberId: string,
  permission: Permission,
  projectId: string,
  environment: Place['environment'],
) {
  const grants = await tx
    .selectFrom('grants')
    .select(['stage', 'environment', 'granted_by', 'expires_at'])
    .where('member_id', '=', memberId)
    .where('project_id', '=', projectId)
    .where('permission', '=', permission)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', new Date())
    .orderBy('expires_at', 'desc')
    .execute()
  return grants.find(
    (grant) =>
      (!grant.stage && !grant.environment) ||
      (environment && (grant.stage === environment.stage || grant.environment === environment.name)),
  )
}
