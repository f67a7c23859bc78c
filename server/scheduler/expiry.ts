import { sql } from 'kysely'
import type { AppContext } from '../context.ts'
import { notify } from '../db/signals.ts'
import { operation, withTenant } from '../db/tenancy.ts'

/**
 * Ends leased tasks whose agent is away (lease run out) and that nobody waits for any longer: timed out, or their run
 * was cancelled. The epoch grows, so that nothing the old holder still says is taken. A task whose agent is merely
 * away is left alone: it is the agent's until it comes back or time is up.
 */
export async function expireTasks(context: AppContext): Promise<void> {
  const lost = await context.db.scheduler
    .selectFrom('tasks')
    .select(['id', 'organization_id', 'run_id'])
    .where('status', '=', 'leased')
    .where('lease_until', '<', sql<Date>`now() - interval '15 seconds'`)
    .where((where) =>
      where.or([where('timeout_at', '<', sql<Date>`now()`), where('cancel_requested', '=', true)]),
    )
    .limit(100)
    .execute()
  for (const { id, organization_id, run_id } of lost) {
    await withTenant(context.db, operation(organization_id, 'scheduler'), async (tx) => {
      const ended = await tx
        .updateTable('tasks')
        .set({
          status: sql`case when cancel_requested then 'cancelled' else 'timed-out' end`,
          error: 'its agent is away, and time is up',
          reason: 'lost',
          epoch: sql`epoch + 1`,
          finished_at: new Date(),
        })
        .where('id', '=', id)
        .where('status', '=', 'leased')
        .where('lease_until', '<', sql<Date>`now() - interval '15 seconds'`)
        .returning('id')
        .executeTakeFirst()
      if (!ended) return
      await tx.updateTable('log_streams').set({ closed: true }).where('task_id', '=', id).execute()
      await tx
        .updateTable('runs')
        .set({ advance_at: new Date() })
        .where('id', '=', run_id)
        .where('advance_at', 'is not', null)
        .execute()
      await notify(tx, { kind: 'run', id: run_id })
    })
  }
}
