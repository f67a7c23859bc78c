import { sql } from 'kysely'
import type { AppContext } from '../../context.ts'
import { forEachRow } from '../../db/each-row.ts'
import { operation, withTenant } from '../../db/tenancy.ts'
import { endApproval, expiredReason, livingStatuses } from './state.ts'
import { lockRunOf, wakeRun } from './waiting-runs.ts'

const batch = 100

/** Marks approvals that were not used in time. Nothing hangs on it: an approval past its time counts for nothing. */
export async function expireApprovals({ db }: Pick<AppContext, 'db'>): Promise<void> {
  const due = await db.scheduler
    .selectFrom('approvals')
    .select(['id', 'organization_id'])
    .where('status', 'in', livingStatuses)
    .where('expires_at', '<=', sql<Date>`now()`)
    .limit(batch)
    .execute()
  await forEachRow(due, async ({ id, organization_id }) => {
    const op = operation(organization_id, 'scheduler')
    await withTenant(db, op, async (tx) => {
      const known = await tx.selectFrom('approvals').select('run_id').where('id', '=', id).executeTakeFirst()
      if (!known) return
      await lockRunOf(tx, known.run_id)
      const row = await tx
        .selectFrom('approvals')
        .selectAll()
        .where('id', '=', id)
        .where('status', 'in', livingStatuses)
        .forUpdate()
        .executeTakeFirst()
      if (!row) return
      await endApproval(tx, op, row, 'expired', expiredReason(row))
      if (row.run_id) await wakeRun(tx, row.run_id)
    })
  })
}
