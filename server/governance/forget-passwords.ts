import { sql } from 'kysely'
import type { AppContext } from '../context.ts'
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
  for (const { id, organization_id } of due)
    await withTenant(db, operation(organization_id, 'scheduler'), (tx) =>
      tx
        .updateTable('cells')
        .set({ administrator_sealed: null, administrator_expires_at: null })
        .where('id', '=', id)
        .where('administrator_expires_at', '<=', sql<Date>`now()`)
        .execute(),
    )
}
