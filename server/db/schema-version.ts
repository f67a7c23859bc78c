import { sql } from 'kysely'
import type { Databases } from './databases.ts'
import { listMigrations } from './migrate.ts'

const known = await listMigrations()

/**
 * Whether the database has no migration but those that this server knows, to be asked in the very statement that takes
 * work: what a newer server made of the tables, this one would read wrongly.
 */
export const schemaIsKnown = sql<boolean>`not exists (
  select from schema_migrations where name <> all (${known}::text[]))`

/** The migrations that it has and this server does not know; empty: all is well. */
export async function findUnknownMigrations({ scheduler }: Pick<Databases, 'scheduler'>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select name from schema_migrations where name <> all (${known}::text[]) order by name`.execute(scheduler)
  return rows.map(({ name }) => name)
}

export const newerSchema = (unknown: readonly string[]): string =>
  `the database has migrations that this server does not know (${unknown.join(', ')}): it takes no work any more. ` +
  'Upgrade it, or stop it'
