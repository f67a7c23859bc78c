import type { AppContext } from '../../server/context.ts'
import { openDatabases } from '../../server/db/databases.ts'
import { growing } from './history.ts'
import { query, type TestDatabase } from './postgres.ts'
import { waitFor } from './wait-for.ts'

/**
 * How many rows `work` had PostgreSQL read of each table that grows, by scans or by index. On connections of its own: what
 * they did is counted for certain once they have ended.
 */
export async function rowsReadBy(
  database: TestDatabase,
  work: (context: AppContext) => Promise<unknown>,
): Promise<Record<string, number>> {
  const before = await countReads(database.ownerUrl)
  const name = 'counted'
  const named = (url: string) => `${url}?application_name=${name}`
  const { app, scheduler } = database.urls
  const db = openDatabases({ app: named(app), scheduler: named(scheduler) }, () => undefined)
  try {
    await work({ ...database.context, db })
  } finally {
    await db.close()
  }
  await waitFor('its connections to end', async () => {
    const sessions =
      'select from pg_stat_activity where datname = current_database() and application_name = $1'
    return (await query(database.ownerUrl, sessions, [name])).length === 0
  })
  const after = await countReads(database.ownerUrl)
  return Object.fromEntries(growing.map((table) => [table, after[table]! - before[table]!]))
}

async function countReads(ownerUrl: string): Promise<Record<string, number>> {
  const rows = await query<{ table: string; read: string }>(
    ownerUrl,
    `select t.relname as table, t.seq_tup_read + coalesce(sum(i.idx_tup_read), 0) as read
     from pg_stat_user_tables t left join pg_stat_user_indexes i on i.relid = t.relid group by 1, t.seq_tup_read`,
  )
  return Object.fromEntries(rows.map(({ table, read }) => [table, Number(read)]))
}
