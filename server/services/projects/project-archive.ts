import type { Project } from '../../../proto/gen/fairway/v1/projects_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { withTenant } from '../../db/tenancy.ts'
import { wrongState } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { lockLivingProject } from '../../governance/project-state.ts'
import { requireNoRuns } from './no-runs.ts'
import { projectWithCounts, requireProject } from './projects.ts'

/**
 * From now on nothing starts in the project: pushes are ignored, and say so. What runs goes on until it is stopped. Throws
 * `project-not-found`, `project-busy`, `project-archived`.
 */
export const archiveProject = (context: AppContext, caller: Caller, name: string) =>
  setArchived(context, caller, name, true)

/** Throws `project-not-found`, `project-deleted`, `not-archived`. */
export const unarchiveProject = (context: AppContext, caller: Caller, name: string) =>
  setArchived(context, caller, name, false)

async function setArchived(
  { db }: AppContext,
  caller: Caller,
  name: string,
  archived: boolean,
): Promise<Project> {
  return await withTenant(db, caller, async (tx) => {
    const { id } = await requireProject(tx, name)
    await authorize(tx, caller, 'project.manage', { projectId: id })
    const row = await lockLivingProject(tx, id, 'project.manage')
    if (archived === (row.archived_at !== null)) {
      throw archived
        ? wrongState('project-archived', `The project ${name} is archived already.`)
        : wrongState('not-archived', `The project ${name} is not archived.`)
    }
    if (archived) await requireNoRuns(tx, caller, row, 'archive')
    await tx
      .updateTable('projects')
      .set({ archived_at: archived ? new Date() : null })
      .where('id', '=', id)
      .execute()
    const subject = { kind: 'project', id, projectId: id }
    await audit(tx, caller, archived ? 'project.archive' : 'project.unarchive', subject, { name })
    return await projectWithCounts(tx, id)
  })
}
