import type { Project, RepositoryCheck } from '../../../proto/gen/fairway/v1/projects_pb.js'
import type { AppContext } from '../../context.ts'
import { withTenant } from '../../db/tenancy.ts'
import { DomainError } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { lockLivingProject } from '../../governance/project-state.ts'
import { lookAtRepository } from '../repositories/look.ts'
import { checkMessage } from '../repositories/looked.ts'
import { parseRepositoryUrl, requireProjectName } from './project-fields.ts'
import { type ProjectChanges, updateProject } from './project-update.ts'
import { createProject, type NewProject, requireProject } from './projects.ts'

interface Checked {
  readonly project: Project
  readonly webhookSecret: string
  readonly check: RepositoryCheck
}

/**
 * As `createProject`, for a repository that a host was asked for first. Where no host can be, the project is made all the
 * same, and the check says so. Throws what `lookAtRepository` throws, with what to do next.
 */
export async function createCheckedProject(
  context: AppContext,
  caller: Caller,
  wanted: NewProject,
  abort: AbortSignal,
): Promise<Checked> {
  requireProjectName(wanted.name)
  const { url } = parseRepositoryUrl(wanted.repositoryUrl)
  await withTenant(context.db, caller, (tx) => authorize(tx, caller, 'project.create'))
  const looked = await lookAtRepository(context, caller, { url, project: wanted.name }, abort).catch(
    (error: unknown) => {
      throw explainUnread(error, wanted.name)
    },
  )
  return { ...(await createProject(context, caller, { ...wanted, looked })), check: checkMessage(looked) }
}

/** As `updateProject`, for another address that a host was asked for first, with the project's credentials. */
export async function updateCheckedProject(
  context: AppContext,
  caller: Caller,
  name: string,
  changes: ProjectChanges,
  abort: AbortSignal,
): Promise<Checked> {
  const { url } = parseRepositoryUrl(changes.repositoryUrl)
  const projectId = await withTenant(context.db, caller, async (tx) => {
    const { id } = await requireProject(tx, name)
    await authorize(tx, caller, 'project.manage', { projectId: id })
    return (await lockLivingProject(tx, id, 'project.manage')).id
  })
  const looked = await lookAtRepository(context, caller, { url, project: name, projectId }, abort)
  return {
    ...(await updateProject(context, caller, name, { ...changes, looked })),
    check: checkMessage(looked),
  }
}

/** What to do about a repository that a project to be can't read: all that would help belongs to a project. */
export function explainUnread(error: unknown, name: string): unknown {
  if (!(error instanceof DomainError) || !advised.has(error.reason)) return error
  const next =
    `Nothing was created. If the project is to have a credential for it, or a policy: fairway project create ${name} URL ` +
    `--no-check, then set it (fairway credential set, --deploy-key for an ssh address; fairway policy set), then fairway ` +
    `project check ${name}.`
  const end = /[.!?]$/.test(error.message) ? '' : '.'
  return new DomainError(error.kind, error.reason, `${error.message}${end} ${next}`, { cause: error })
}

const advised: ReadonlySet<string> = new Set([
  'repository-denied',
  'repository-not-allowed',
  'repository-host-key',
  'repository-moved',
  'repository-unreachable',
])
