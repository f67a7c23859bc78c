import pg from 'pg'
import type { TestDatabase } from './postgres.ts'

/**
 * What is no change that anybody made: the log, its tree, what was sealed of it, when somebody was last here, and how many
 * deliveries were refused, which is written some time after the answers.
 */
const exceptTables = [
  'audit_events',
  'audit_leaves',
  'audit_nodes',
  'audit_checkpoints',
  'audit_witnesses',
  'evidence_bundles',
  'webhook_refusals',
]
const exceptColumns = ['last_used_at', 'last_seen_at']

const sessions = new WeakMap<TestDatabase, Promise<pg.Client>>()

/**
 * One session for each database, which has planned the question once: it asks of all tables, hundreds of times. It ends when
 * the database is dropped.
 */
function sessionOf(database: TestDatabase): Promise<pg.Client> {
  const known = sessions.get(database)
  if (known) return known
  const client = new pg.Client({ connectionString: database.ownerUrl })
  client.on('error', () => sessions.delete(database))
  const session = client.connect().then(() => client)
  sessions.set(database, session)
  return session
}

/** A hash of all rows of each table. Two of them differ in the tables that changed between. */
export async function digestTables(database: TestDatabase): Promise<Map<string, string>> {
  const client = await sessionOf(database)
  const tables = await client.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename <> all ($1) order by 1`,
    [exceptTables],
  )
  // A sum, so that nothing is sorted and no row leaves PostgreSQL.
  const each = tables.rows.map(
    ({ name }) =>
      `select '${name}' as name, count(*) || ' ' || coalesce(sum(hashtextextended(r::text, 0)), 0) as digest
       from (select to_jsonb(t) - '{${exceptColumns}}'::text[] as r from "${name}" t) as _`,
  )
  const digests = await client.query<{ name: string; digest: string }>({
    name: 'digest',
    text: each.join(' union all '),
  })
  return new Map(digests.rows.map(({ name, digest }) => [name, digest]))
}

/** Names of the tables that changed between two digests, sorted: PostgreSQL may ask them in parallel. */
export const changedTables = (before: Map<string, string>, after: Map<string, string>): string[] =>
  [...after]
    .filter(([name, hash]) => before.get(name) !== hash)
    .map(([name]) => name)
    .sort()
