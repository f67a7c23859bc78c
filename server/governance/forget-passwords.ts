import { sql } from 'kysely'
import type { AppContext } from '../context.ts'
import { audit } from '../db/audit.ts'
import { forEachRow } from '../db/each-row.ts'
import { operation, withTenant } from '../db/tenancy.ts'

const batch = 100

/** Forgets passwords of new productions that were shown, or that nobody asked for in time. Safe beside another server's. */
export async function forgetPasswords({ db }: Pick<AppContext, 'db'>): Promise<void> {
  const due = await db.scheduler
    .selectFrom('cells')
    .select(['id', 'organization_id'])
    .where('administrator_expires_at', '<=', sql<Date>`now()`)
    .limit(batch)
    .execute()
  await forEachRow(due, async ({ id, organization_id }) => {
    const op = operation(organization_id, 'scheduler')
    await withTenant(db, op, async (tx) => {
      const cell = await tx
        .updateTable('cells')
        .set({ administrator_sealed: null, administrator_expires_at: null })
        .where('id', '=', id)
        .where('administrator_expires_at', '<=', sql<Date>`now()`)
        .returning(['environment_id', 'project_id', 'administrator_shown_at'])
        .executeTakeFirst()
      if (!cell) return
      const subject = { kind: 'environment', id: cell.environment_id, projectId: cell.project_id }
      const because = cell.administrator_shown_at ? 'it was shown' : 'nobody asked for it in time'
      await audit(tx, op, 'environment.forget-password', subject, { because })
    })
  })
}
