import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import type { Stage } from '../../db/tables/projects.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import type { Caller } from '../../governance/authorize.ts'
import { lockRun } from '../../operations/lock/definition.ts'
import { queueRun } from '../../runs/queue.ts'
import { lockForBranch } from '../builds/builds.ts'
import { ensureEnvironment, recordBranch } from '../projects/branch-environments.ts'
import { requireBranchName } from '../projects/branch-rules.ts'
import { requireProject } from '../projects/projects.ts'

/**
 * Queues a run that resolves the branch's head without any pins and builds nothing; gives its id. Throws
 * `project-not-found`, `no-branch-rule`, `invalid-branch`, `permission-denied`.
 */
export async function updateLock(
  { db }: AppContext,
  caller: Caller,
  wanted: { readonly project: string; readonly branch: string },
): Promise<string> {
  requireBranchName(wanted.branch)
  return await withTenant(db, caller, async (tx) => {
    const known = await requireProject(tx, wanted.project)
    const { project, stage } = await lockForBranch(tx, caller, 'lock.update', known, wanted)
    const { branchId, environmentId } = await placeOf(tx, caller, project.id, wanted.branch, stage)
    const runId = await queueRun(tx, caller, lockRun, {
      environment: { id: environmentId, project_id: project.id, stage },
      branchId,
      trigger: 'manual',
      requesterIssuers: caller.access.loginIssuers,
      input: {},
    })
    const details = { project: project.name, branch: wanted.branch, stage }
    await audit(tx, caller, 'lock.update', { kind: 'run', id: runId, projectId: project.id }, details)
    return runId
  })
}

/** As they are: only a build moves an environment to another branch or stage. */
async function placeOf(tx: Tx, caller: Caller, projectId: string, name: string, stage: Stage) {
  const known = await tx
    .selectFrom('branches')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('name', '=', name)
    .executeTakeFirst()
  const branch =
    known ??
    (await recordBranch(tx, { projectId, organizationId: caller.organizationId, branch: name, stage }))
  const environment = await tx
    .selectFrom('environments')
    .select('id')
    .where('project_id', '=', projectId)
    .where('status', '<>', 'destroyed')
    .where('purpose', '=', 'branch')
    .where((eb) =>
      stage === 'production' ? eb('stage', '=', 'production') : eb('branch_id', '=', branch.id),
    )
    .executeTakeFirst()
  return {
    branchId: branch.id,
    environmentId: environment?.id ?? (await ensureEnvironment(tx, { ...branch, stage })).id,
  }
}
