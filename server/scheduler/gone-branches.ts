import { sql } from 'kysely'
import type { AppContext } from '../context.ts'
import { audit } from '../db/audit.ts'
import { notify } from '../db/signals.ts'
import { operation, withTenant } from '../db/tenancy.ts'

/** Starts the destruction of environments whose branch was deleted and whose grace period is over; never of production. */
export async function destroyGoneBranches(context: AppContext): Promise<void> {
  const due = await context.db.scheduler
    .selectFrom('branches')
    .select(['id', 'organization_id'])
    .where('destroy_at', '<', sql<Date>`now()`)
    .limit(100)
    .execute()
  for (const { id, organization_id } of due) {
    const op = operation(organization_id, 'scheduler')
    await withTenant(context.db, op, async (tx) => {
      const branch = await tx
        .updateTable('branches')
        .set({ destroy_at: null })
        .where('id', '=', id)
        .where('destroy_at', '<', sql<Date>`now()`)
        .where('stage', '<>', 'production')
        .returning(['project_id', 'name'])
        .executeTakeFirst()
      if (!branch) return
      const environment = await tx
        .selectFrom('environments')
        .select(['id', 'name', 'stage'])
        .where('branch_id', '=', id)
        .where('stage', '<>', 'production')
        .where('status', '<>', 'destroyed')
        .executeTakeFirst()
      if (!environment) return
      const run = await tx
        .insertInto('runs')
        .values({
          organization_id,
          project_id: branch.project_id,
          branch_id: id,
          environment_id: environment.id,
          kind: 'destroy',
          stage: environment.stage,
          trigger: 'system',
          requested_by: 'scheduler',
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      await audit(
        tx,
        op,
        'environment.destroy',
        { kind: 'environment', id: environment.id, projectId: branch.project_id },
        {
          because: `branch ${branch.name} was deleted`,
          run: run.id,
        },
      )
      await notify(tx, { kind: 'run', id: run.id })
    })
  }
}
