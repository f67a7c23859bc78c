import type pg from 'pg'
import type { RoleNames } from './roles.ts'

/** Throws while anybody works with this database as one of these roles. `before` ends the sentence. */
export async function requireNoServer(client: pg.Client, names: RoleNames, before: string): Promise<void> {
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
     where datname = current_database() and usename = any ($1::text[])`,
    [[names.app, names.scheduler]],
  )
  if (rows[0]?.count) {
    throw new Error(
      `A server still works with this database: stop every server before ${before} (a pooler's connections count too)`,
    )
  }
}
