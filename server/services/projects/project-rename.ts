import type { Project } from '../../../proto/gen/fairway/v1/projects_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { withTenant } from '../../db/tenancy.ts'
import { wrongState } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { lockLivingProject } from '../../governance/project-state.ts'
import { requireNoRuns } from './no-runs.ts'
import { requireProjectName } from './project-fields.ts'
import { takeName } from './project-names.ts'
import { projectWithCounts, requireProject } from './projects.ts'

/**
 * The project's new name; the old one stays its own for ever. Environments answer at their addresses of before until they
 * are deployed again. Throws `project-not-found`, `invalid-name`, `project-exists`, `project-busy`.
 */
export async function renameProject(
  { db }: AppContext,
  caller: Caller,
  name: string,
  newName: string,
): Promise<Project> {
  requireProjectName(newName)
  return await withTenant(db, caller, async (tx) => {
    const { id } = await requireProject(tx, name)
    await authorize(tx, caller, 'project.manage', { projectId: id })
    const row = await lockLivingProject(tx, id, 'project.manage')
    if (row.name === newName) throw wrongState('same-name', `The project is called ${newName} already.`)
    await requireNoRuns(tx, caller, row, 'rename')
    await takeName(tx, newName, { organizationId: caller.organizationId, projectId: id })
    await tx.updateTable('projects').set({ name: newName }).where('id', '=', id).execute()
    const subject = { kind: 'project', id, projectId: id }
    await audit(tx, caller, 'project.rename', subject, { before: row.name, now: newName })
    return await projectWithCounts(tx, id)
  })
}
