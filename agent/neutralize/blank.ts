import { withHostileDatabase } from '../database/hostile-database.ts'
import { changeHostileDatabase } from '../database/hostile-writer.ts'
import type { Cell } from '../storage/records.ts'
import { admin } from './ideas/people.ts'
import { deleteKeyFiles } from './key-files.ts'
import type { Wishes } from './rule.ts'
import { namingRule } from './rule-failure.ts'
import { readRules } from './rules.ts'

/**
 * The agent's own neutralization, before any image touches a copy of production and again after each: statements that
 * stand in this room and nowhere else, as a role that may do what Odoo's may and nothing more. All of it or nothing, and
 * on disk when it resolves. Idempotent.
 *
 * @param adminHash what the administrator's password becomes; without, it stays as `wishes` says.
 * @returns the administrator's login, where a password was set.
 * @throws TaskError `database-hostile` naming a table that is not what it seems, `neutralize-failed` naming a rule.
 */
export async function blankCredentials(
  cell: Cell,
  wishes: Wishes,
  adminHash: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const rules = await withHostileDatabase(
    cell,
    async (database) => {
      const { schema, rules } = await readRules(database, wishes)
      await deleteKeyFiles(database, schema, cell)
      return rules
    },
    { signal },
  )
  const tables = [...new Set(rules.map(({ table }) => table))]
  return changeHostileDatabase(
    cell,
    tables,
    async (change) => {
      for (const { change: text, ...rule } of rules)
        if (text !== undefined) await namingRule(rule, text, () => change(text))
      if (adminHash === undefined) return undefined
      const text = `update public.res_users set password = $1 where id = ${admin} returning login`
      const rule = { name: 'a new password for the administrator', table: 'res_users' }
      const [first] = await namingRule(rule, text, () => change<{ login: string }>(text, [adminHash]))
      return first?.login
    },
    signal,
  )
}
