import { createHash } from 'node:crypto'
import { query, type TestDatabase } from './postgres.ts'

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

/** A hash of all rows of each table. Two of them differ in the tables that changed between. */
export async function digestTables({ ownerUrl }: TestDatabase): Promise<Map<string, string>> {
  const tables = await query<{ name: string }>(
    ownerUrl,
    `select tablename as name from pg_tables where schemaname = 'public' and tablename <> all ($1) order by 1`,
    [exceptTables],
  )
  const each = tables.map(
    ({ name }) =>
      `select '${name}' as name, coalesce(string_agg(r::text, ',' order by r::text), '') as rows
       from (select to_jsonb(t) - '{${exceptColumns}}'::text[] as r from "${name}" t) as _`,
  )
  const rows = await query<{ name: string; rows: string }>(ownerUrl, each.join(' union all '))
  return new Map(rows.map(({ name, rows }) => [name, createHash('sha256').update(rows).digest('hex')]))
}

/** Names of the tables that changed between two digests, sorted: PostgreSQL may ask them in parallel. */
export const changedTables = (before: Map<string, string>, after: Map<string, string>): string[] =>
  [...after]
    .filter(([name, hash]) => before.get(name) !== hash)
    .map(([name]) => name)
    .sort()
