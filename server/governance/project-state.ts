import type { Tx } from '../db/tenancy.ts'
import { type DomainError, wrongState } from '../errors.ts'
import type { Permission } from './matrix.ts'

/** What begins something new; an archived project is for looking at, and for taking away. */
const beginnings: ReadonlySet<Permission> = new Set([
  'build.start',
  'lock.update',
  'environment.start',
  'shell',
  'release.rehearse',
  'release.request',
  'release.promote',
  'release.rollback',
  'policy.set',
  'secret.set',
  'credential.set',
])

interface ProjectState {
  readonly name: string
  readonly archived_at: Date | null
  readonly deleted_at: Date | null
}

/** Throws `project-archived` and `project-deleted` for what the project's state does not let happen. */
export async function requireStateFor(
  tx: Tx,
  permission: Permission,
  projectId: string,
  changes: boolean,
): Promise<void> {
  if (!changes && !beginnings.has(permission)) return
  const project = await tx
    .selectFrom('projects')
    .select(['name', 'archived_at', 'deleted_at'])
    .where('id', '=', projectId)
    .executeTakeFirst()
  const fault = project && faultOfState(project, permission)
  if (fault) throw fault
}

/** The same for a row that is at hand, and locked. */
export function faultOfState(project: ProjectState, permission: Permission): DomainError | undefined {
  const { name } = project
  if (project.deleted_at) {
    return wrongState(
      'project-deleted',
      `The project ${name} was deleted on ${project.deleted_at.toISOString()}: what it did can be looked at, nothing more.`,
    )
  }
  if (!project.archived_at || !beginnings.has(permission)) return undefined
  return wrongState(
    'project-archived',
    `The project ${name} is archived: nothing starts in it. Take it back with \`fairway project unarchive ${name}\`.`,
  )
}
