import type { Selectable } from 'kysely'
import { formatTime } from '../../lib/words/times.ts'
import type { ProjectsTable } from '../db/tables/projects.ts'
import type { Tx } from '../db/tenancy.ts'
import { type DomainError, wrongState } from '../errors.ts'
import type { Permission } from './matrix.ts'

/** What begins something new; an archived project is for looking at, and for taking away. */
const beginnings: ReadonlySet<Permission> = new Set([
  'build.start',
  'lock.update',
  'environment.start',
  'environment.open-failed',
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

/**
 * The project's row, ours until the commit: whatever begins a run, changes the project's environments or the project itself
 * takes it first, so that they come one after another. Looks at the state again, which may have changed while we waited;
 * what was read of the project before is to be read again. Throws `project-archived`, `project-deleted`.
 */
export async function lockLivingProject(
  tx: Tx,
  projectId: string,
  permission: Permission,
): Promise<Selectable<ProjectsTable>> {
  const project = await tx
    .selectFrom('projects')
    .selectAll()
    .where('id', '=', projectId)
    .forUpdate()
    .executeTakeFirstOrThrow()
  const fault = faultOfState(project, permission)
  if (fault) throw fault
  return project
}

function faultOfState(project: ProjectState, permission: Permission): DomainError | undefined {
  const { name } = project
  if (project.deleted_at) {
    return wrongState(
      'project-deleted',
      `The project ${name} was deleted on ${formatTime(project.deleted_at)}: what it did can be looked at, nothing more.`,
    )
  }
  if (!project.archived_at || !beginnings.has(permission)) return undefined
  return wrongState(
    'project-archived',
    `The project ${name} is archived: nothing starts in it. Take it back with \`fairway project unarchive ${name}\`.`,
  )
}
