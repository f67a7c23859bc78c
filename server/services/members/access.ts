import { didYouMean } from '../../../lib/words/nearest.ts'
import type { AppContext } from '../../context.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { invalid } from '../../errors.ts'
import { authorize, type Caller, type Decision, decide } from '../../governance/authorize.ts'
import { isPermission, permissions, ruleOf } from '../../governance/matrix.ts'
import { requireProject } from '../projects/projects.ts'
import { approvalFor } from './access-approval.ts'
import { findPlace } from './access-place.ts'
import { findMember, memberNotFound } from './member-names.ts'

export interface Question {
  /** Empty: the caller. */
  readonly member: string
  readonly project: string
  /** Name of an environment, its branch, or a stage. */
  readonly environment: string
  readonly permission: string
}

export interface Explanation extends Decision {
  /** What the project's policy asks for as well; empty: nothing. */
  readonly approval: string
}

/**
 * Whether the member may do it there, and by which rule; what a token of theirs is confined to is not asked. Everybody
 * may ask about themselves. Throws `project-not-found`, `environment-not-found`, `member-not-found`,
 * `invalid-permission`, `invalid-project`, `permission-denied`.
 */
export async function explainAccess(
  { db }: AppContext,
  caller: Caller,
  question: Question,
): Promise<Explanation> {
  const { permission } = question
  return await withTenant(db, caller, async (tx) => {
    const project = question.project ? await requireProject(tx, question.project) : undefined
    const member = question.member
      ? await findMember(tx, question.member)
      : await findOwn(tx, caller.access.memberId)
    if (!member || member.id !== caller.access.memberId) {
      await authorize(tx, caller, 'member.read', { projectId: project?.id })
    }
    if (!member) throw memberNotFound(question.member)
    if (!isPermission(permission)) {
      const hint = didYouMean(permission, permissions) || ` They are: ${permissions.join(', ')}.`
      throw invalid('permission', `${JSON.stringify(permission)} is no permission.${hint}`)
    }
    if (!project && ruleOf(permission).reach !== 'organization') {
      throw invalid('project', `${permission} is asked about in a project: name one.`)
    }
    const place = project && (await findPlace(tx, project, question.environment))
    const roles = await tx
      .selectFrom('project_members')
      .select(['project_id', 'role'])
      .where('member_id', '=', member.id)
      .where('ended_at', 'is', null)
      .execute()
    const projectRoles = new Map(roles.map(({ project_id, role }) => [project_id, role]))
    const access = { role: member.role, memberId: member.id, projects: 'all', projectRoles } as const
    const where = { projectId: project?.id, environment: place?.environment }
    const decision = await decide(tx, access, permission, where)
    return { ...decision, approval: await approvalFor(tx, permission, where) }
  })
}

const findOwn = async (tx: Tx, memberId = '') =>
  memberId
    ? await tx.selectFrom('members').selectAll().where('id', '=', memberId).executeTakeFirst()
    : undefined
