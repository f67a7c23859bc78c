import type { HostileDatabase } from '../database/hostile-database.ts'
import { plain } from '../plain-text.ts'
import type { Wishes } from './rule.ts'
import { namingRule } from './rule-failure.ts'
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
 * @throws TaskError `database-hostile` when a table that one is about is not what Odoo reads, `neutralize-failed` naming the
 *   rule that could not be asked about.
 */
export async function assertNeutral(database: HostileDatabase, wishes: Wishes): Promise<AssertionResult[]> {
  const { rules } = await readRules(database, wishes)
  const results: AssertionResult[] = []
  for (const [name, same] of Map.groupBy(rules, (rule) => rule.name)) {
    const begun = performance.now()
    const all = same.map(({ offences }) => `(${offences})`).join(' union all ')
    const text = `select left(item, 200) as item from (${all}) found limit 6`
    const table = [...new Set(same.map((rule) => rule.table))].join(', ')
    const { rows } = await namingRule({ name, table }, text, () =>
      database.query<{ item: string | null }>(text),
    )
    const items = rows.map((row) => plain(row.item ?? 'unnamed', 200))
    results.push({
      name,
      passed: items.length === 0,
      detail: items.slice(0, 5).join(', ') + (items.length > 5 ? ', …' : ''),
      durationMs: Math.round(performance.now() - begun),
    })
  }
  return results
}
