import type { HostileDatabase } from '../database/hostile-database.ts'
import type { Wishes } from './rule.ts'
import { readRules } from './rules.ts'

export interface AssertionResult {
  name: string
  passed: boolean
  detail: string
  durationMs: number
}

/**
 * Asks a database whether it can still do anything in the real world, or holds what could. Every assertion that applies,
 * passed or not; one name stands for all tables it is about.
 *
 * @throws TaskError `database-hostile` when a table that one is about is not what Odoo reads.
 */
export async function assertNeutral(database: HostileDatabase, wishes: Wishes): Promise<AssertionResult[]> {
  const queries = new Map<string, string[]>()
  const { rules } = await readRules(database, wishes)
  for (const { name, offences } of rules) queries.set(name, [...(queries.get(name) ?? []), `(${offences})`])
  const results: AssertionResult[] = []
  for (const [name, offences] of queries) {
    const begun = performance.now()
    const { rows } = await database.query<{ item: string | null }>(
      `select left(item, 200) as item from (${offences.join(' union all ')}) found limit 6`,
    )
    const items = rows.map((row) => row.item ?? 'unnamed')
    results.push({
      name,
      passed: items.length === 0,
      detail: items.slice(0, 5).join(', ') + (items.length > 5 ? ', …' : ''),
      durationMs: Math.round(performance.now() - begun),
    })
  }
  return results
}
