import type { Selectable } from 'kysely'
import type { BranchesTable, EnvironmentsTable, Stage } from '../../db/tables/projects.ts'
import type { Tx } from '../../db/tenancy.ts'
import { slugOf } from './branch-rules.ts'

const productionName = 'production'

interface Push {
  readonly projectId: string
  readonly organizationId: string
  readonly branch: string
  readonly stage: Stage
  /** Only a push moves the head. */
  readonly pushedCommit?: string
}

/** The branch's row, made or brought up to date. The caller holds the project's row lock. */
export async function recordBranch(tx: Tx, push: Push): Promise<Selectable<BranchesTable>> {
  const pushed = push.pushedCommit && {
    head_commit: push.pushedCommit,
    pushed_at: new Date(),
  }
  return await tx
    .insertInto('branches')
    .values({
      organization_id: push.organizationId,
      project_id: push.projectId,
      name: push.branch,
      stage: push.stage,
      ...(pushed || {}),
    })
    .onConflict((conflict) =>
      conflict.columns(['project_id', 'name']).doUpdateSet({ stage: push.stage, ...(pushed || {}) }),
    )
    .returningAll()
    .executeTakeFirstOrThrow()
}

/**
 * The environment a branch builds into: the project's one production, or the branch's own, made when there is none
 * alive. Its name stays what it was given first. The caller holds the project's row lock.
 */
export async function ensureEnvironment(
  tx: Tx,
  branch: Selectable<BranchesTable>,
): Promise<Selectable<EnvironmentsTable>> {
  const living = tx
    .selectFrom('environments')
    .selectAll()
    .where('project_id', '=', branch.project_id)
    .where('status', '<>', 'destroyed')
    .where('purpose', '=', 'branch')
  const production = branch.stage === 'production'
  const known = await (production
    ? living.where('stage', '=', 'production')
    : living.where('branch_id', '=', branch.id).where('stage', '<>', 'production')
  ).executeTakeFirst()
  if (known) {
    if (known.branch_id === branch.id && known.stage === branch.stage) return known
    return await tx
      .updateTable('environments')
      .set({ branch_id: branch.id, stage: branch.stage, updated_at: new Date() })
      .where('id', '=', known.id)
      .returningAll()
      .executeTakeFirstOrThrow()
  }
  return await tx
    .insertInto('environments')
    .values({
      organization_id: branch.organization_id,
      project_id: branch.project_id,
      branch_id: branch.id,
      name: production ? productionName : await freeName(tx, branch),
      stage: branch.stage,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** What the branch's environment is called, or would be if it were made now. */
export async function environmentNameOf(
  tx: Tx,
  { projectId, branch, stage }: { projectId: string; branch: string; stage: Stage },
): Promise<string> {
  if (stage === 'production') return productionName
  const known = await tx
    .selectFrom('environments')
    .innerJoin('branches', 'branches.id', 'environments.branch_id')
    .select('environments.name')
    .where('environments.project_id', '=', projectId)
    .where('branches.name', '=', branch)
    .where('environments.stage', '<>', 'production')
    .where('environments.status', '<>', 'destroyed')
    .where('environments.purpose', '=', 'branch')
    .executeTakeFirst()
  return known?.name ?? slugOf(branch)
}

async function freeName(tx: Tx, branch: Selectable<BranchesTable>): Promise<string> {
  const plain = slugOf(branch.name)
  const taken = await tx
    .selectFrom('environments')
    .select('id')
    .where('project_id', '=', branch.project_id)
    .where('name', '=', plain)
    .where('status', '<>', 'destroyed')
    .executeTakeFirst()
  return taken || plain === productionName ? slugOf(branch.name, 'distinct') : plain
}
