import type { Project } from '../../../proto/gen/fairway/v1/projects_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { wrongState } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { lockLivingProject } from '../../governance/project-state.ts'
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
    await requireNoRuns(tx, id, name, 'renamed')
    await takeName(tx, newName, { organizationId: caller.organizationId, projectId: id })
    await tx.updateTable('projects').set({ name: newName }).where('id', '=', id).execute()
    const subject = { kind: 'project', id, projectId: id }
    await audit(tx, caller, 'project.rename', subject, { before: row.name, now: newName })
    return await projectWithCounts(tx, id)
  })
}

/**
 * What runs goes by the project as it was when it began, and approvals by its name. The caller holds the project's row
 * lock, so that none begins meanwhile. Throws `project-busy`.
 */
export async function requireNoRuns(tx: Tx, projectId: string, name: string, verb: string): Promise<void> {
  const run = await tx
    .selectFrom('runs')
    .select(['id', 'kind', 'number'])
    .where('project_id', '=', projectId)
    .where('status', 'in', ['queued', 'running'])
    .orderBy('created_at')
    .limit(1)
    .executeTakeFirst()
  if (!run) return
  const next =
    run.kind === 'build'
      ? `wait for build ${run.number}, or cancel it: fairway build cancel ${name} ${run.number}`
      : `wait for it: fairway run show ${run.id}`
  throw wrongState(
    'project-busy',
    `A ${run.kind} of ${name} is under way, so it can’t be ${verb} now: ${next}.`,
  )
}
