import { create } from '@bufbuild/protobuf'
import { type Branch, BranchSchema, type IgnoredBranch } from '../../../proto/gen/fairway/v1/branches_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { type Operation, type Tx, withTenant } from '../../db/tenancy.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { stages, timestampOf } from '../messages.ts'
import { forgetIgnoredPush, listIgnoredBranches } from './ignored-pushes.ts'
import { requireProject } from './projects.ts'

/**
 * Branches that were pushed or built, by project and age, and those that were ignored. One that is gone is among them for as
 * long as its environment is. Throws `project-not-found`.
 */
export async function listBranches(
  { db }: AppContext,
  caller: Caller,
  project: string,
): Promise<{ branches: Branch[]; ignored: IgnoredBranch[] }> {
  return await withTenant(db, caller, async (tx) => {
    let query = tx
      .selectFrom('branches')
      .innerJoin('projects', 'projects.id', 'branches.project_id')
      .selectAll('branches')
      .select('projects.name as project')
      .select((eb) => [
        eb
          .selectFrom('environments')
          .select('environments.name')
          .whereRef('environments.branch_id', '=', 'branches.id')
          .where('environments.status', '<>', 'destroyed')
          .where('environments.purpose', '=', 'branch')
          .orderBy('environments.created_at', 'desc')
          .limit(1)
          .as('environment'),
        eb
          .selectFrom('runs')
          .select((sub) => sub.fn.max('runs.number').as('number'))
          .whereRef('runs.branch_id', '=', 'branches.id')
          .where('runs.kind', '=', 'build')
          .as('last_build'),
      ])
      .orderBy('projects.name')
      .orderBy('branches.created_at')
    const projectId = project ? (await requireProject(tx, project)).id : undefined
    if (projectId) query = query.where('projects.id', '=', projectId)
    const rows = await query.execute()
    const listed = rows.filter((row) => !row.deleted_at || row.environment)
    const branches = listed.map((row) =>
      create(BranchSchema, {
        project: row.project,
        name: row.name,
        stage: stages[row.stage],
        headCommit: row.head_commit,
        environment: row.environment ?? '',
        lastBuild: row.last_build ?? 0,
        pushedAt: timestampOf(row.pushed_at),
        destroyAt: timestampOf(row.destroy_at),
      }),
    )
    return { branches, ignored: await listIgnoredBranches(tx, projectId) }
  })
}

/**
 * The branch is gone from the repository. Its environment goes after the grace period of its stage, unless a push brings
 * the branch back before; production never. Gives when, or undefined where nothing goes.
 */
export async function deleteBranchIn(
  tx: Tx,
  caller: Caller,
  branch: { projectId: string; name: string },
  grace: { readonly branchGraceMs: number; readonly stagingGraceMs: number },
): Promise<Date | undefined> {
  await authorize(tx, caller, 'branch.delete', { projectId: branch.projectId })
  await forgetIgnoredPush(tx, branch.projectId, branch.name)
  const known = await tx
    .selectFrom('branches')
    .select(['id', 'stage'])
    .where('project_id', '=', branch.projectId)
    .where('name', '=', branch.name)
    .forUpdate()
    .executeTakeFirst()
  if (!known) return undefined
  const now = new Date()
  const graceMs = { development: grace.branchGraceMs, staging: grace.stagingGraceMs, production: undefined }[
    known.stage
  ]
  const destroyAt = graceMs === undefined ? null : new Date(now.getTime() + graceMs)
  await tx
    .updateTable('branches')
    .set({ deleted_at: now, destroy_at: destroyAt })
    .where('id', '=', known.id)
    .execute()
  await audit(
    tx,
    caller,
    'branch.delete',
    { kind: 'branch', id: known.id, projectId: branch.projectId },
    { branch: branch.name, destroyAt: destroyAt?.toISOString() ?? null },
  )
  return destroyAt ?? undefined
}

/**
 * A branch that was deleted and is pushed is there again, whether the push is built or ignored: its environment and data
 * stay. The transaction may change `branches`.
 */
export async function keepBranch(
  tx: Tx,
  op: Operation,
  { projectId, name }: { projectId: string; name: string },
): Promise<void> {
  const gone = await tx
    .selectFrom('branches')
    .select(['id', 'destroy_at'])
    .where('project_id', '=', projectId)
    .where('name', '=', name)
    .where('deleted_at', 'is not', null)
    .forUpdate()
    .executeTakeFirst()
  if (!gone) return
  await tx
    .updateTable('branches')
    .set({ deleted_at: null, destroy_at: null })
    .where('id', '=', gone.id)
    .execute()
  const details = { branch: name, destroyAt: gone.destroy_at?.toISOString() ?? null }
  await audit(tx, op, 'branch.return', { kind: 'branch', id: gone.id, projectId }, details)
}
