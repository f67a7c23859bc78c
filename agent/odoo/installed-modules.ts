import { moduleNamePattern } from '../../lib/repository/module-name.ts'
import { listShort } from '../../lib/words/list-short.ts'
import type { HostileDatabase } from '../database/hostile-database.ts'
import { lookUpOdooTables } from '../database/odoo-tables.ts'
import { plain } from '../plain-text.ts'
import { TaskError } from '../tasks/task.ts'

/** What a database says of Odoo's modules, at one look. */
export interface ModuleStates {
  /** Names of all installed modules, sorted. */
  readonly installed: readonly string[]
  /** Modules that Odoo has marked for installation or removal and has not done: an update stopped half-way. */
  readonly unfinished: readonly string[]
  /** @throws TaskError `modules-not-installed` naming those that are in another state. */
  requireInstalled(expected: readonly string[]): void
}

/** @throws TaskError `database-hostile` when the list of modules is not the one that Odoo reads; `not-odoo` when there is none. */
export async function readModuleStates(database: HostileDatabase): Promise<ModuleStates> {
  const tables = await lookUpOdooTables(database, ['ir_module_module'])
  const { rows: all } = await database.query<{ name: string; state: string | null }>(
    `SELECT left(name, 200) AS name, left(state, 50) AS state
       FROM ${tables.require('ir_module_module', 'name', 'state')} WHERE name IS NOT NULL ORDER BY 1`,
    [],
    { rows: 50_000 },
  )
  const rows = all.filter(({ name }) => moduleNamePattern.test(name))
  const named = (...states: string[]) =>
    rows.filter(({ state }) => state !== null && states.includes(state)).map(({ name }) => name)
  return {
    installed: named('installed'),
    unfinished: named('to install', 'to upgrade', 'to remove'),
    requireInstalled(expected) {
      const stateOf = new Map(rows.map(({ name, state }) => [name, state]))
      const missing = expected.filter((name) => stateOf.get(name) !== 'installed').toSorted()
      if (missing.length === 0) return
      const describe = (name: string) => `${name} (${plain(stateOf.get(name) ?? 'unknown to Odoo', 50)})`
      throw new TaskError(
        'modules-not-installed',
        `Odoo said that all went well, but these modules are not installed: ${listShort(missing, 10, describe)}`,
      )
    },
  }
}
