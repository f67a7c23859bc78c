import { sql } from 'kysely'
import type { AppContext } from '../context.ts'
import { forEachRow } from '../db/each-row.ts'
import { operation, type Tx, withTenant } from '../db/tenancy.ts'
import { queueEnvironmentRun } from '../operations/environment-runs.ts'

/** Starts the destruction of environments whose branch was deleted and whose grace period is over; never of production. */
export async function destroyGoneBranches(context: AppContext): Promise<void> {
  const due = await context.db.scheduler
    .selectFrom('branches')
    .select(['id', 'organization_id'])
    .where('destroy_at', '<', sql<Date>`now()`)
    .limit(100)
    .execute()
  await forEachRow(due, async ({ id, organization_id }) => {
    const op = operation(organization_id, 'scheduler')
    await withTenant(context.db, op, async (tx) => {
      const environment = await takeDue(tx, id)
      if (!environment) return
      const because = `branch ${environment.branch} was deleted`
      await queueEnvironmentRun(tx, op, environment, { kind: 'destroy', trigger: 'system', because })
    })
  })
}

/** What goes with the branch, if it still has to; a push may have brought it back. Never due twice. */
async function takeDue(tx: Tx, branchId: string) {
  // Before the branch's own lock, as whatever begins something in the project.
  await tx
    .selectFrom('projects')
    .innerJoin('branches', 'branches.project_id', 'projects.id')
    .select('projects.id')
    .where('branches.id', '=', branchId)
    .forUpdate('projects')
    .execute()
  const branch = await tx
    .updateTable('branches')
    .set({ destroy_at: null })
    .where('id', '=', branchId)
    .where('destroy_at', '<', sql<Date>`now()`)
    .where('stage', '<>', 'production')
    .returning('id')
    .executeTakeFirst()
  if (!branch) return undefined
  return await tx
    .selectFrom('environments')
    .innerJoin('branches', 'branches.id', 'environments.branch_id')
    .innerJoin('projects', 'projects.id', 'environments.project_id')
    .select(['environments.id', 'environments.name', 'environments.stage', 'environments.branch_id'])
    .select(['environments.project_id', 'projects.name as project', 'branches.name as branch'])
    .where('environments.branch_id', '=', branchId)
    .where('environments.purpose', '=', 'branch')
    .where('environments.stage', '<>', 'production')
    .where('environments.status', '<>', 'destroyed')
    .executeTakeFirst()
}
