import { TaskError } from '../tasks/task.ts'

/** The part of a database session that is needed here. */
export interface Queries {
  query<R extends object>(text: string, values?: unknown[]): Promise<{ rows: R[] }>
}

/** Names of all installed modules, as the database has them. */
export async function listInstalledModules(database: Queries): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    "select name from ir_module_module where state = 'installed' order by name",
  )
  return rows.map((row) => row.name)
}

/** @throws TaskError `modules-not-installed` naming those that are in another state. */
export async function requireInstalled(database: Queries, expected: readonly string[]): Promise<void> {
  const { rows } = await database.query<{ name: string; state: string | null }>(
    `select wanted.name, module.state
       from unnest($1::text[]) as wanted(name)
       left join ir_module_module module on module.name = wanted.name
      where module.state is distinct from 'installed'
      order by 1`,
    [expected],
  )
  if (rows.length === 0) return
  const named = rows.slice(0, 10).map(({ name, state }) => `${name} (${state ?? 'unknown to Odoo'})`)
  const more = rows.length > 10 ? ` and ${rows.length - 10} more` : ''
  throw new TaskError(
    'modules-not-installed',
    `Odoo said that all went well, but these modules are not installed: ${named.join(', ')}${more}`,
  )
}

/** Modules that Odoo has marked for installation or removal and has not done: an update stopped half-way. */
export async function listUnfinishedModules(database: Queries): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    "select name from ir_module_module where state in ('to install', 'to upgrade', 'to remove') order by name",
  )
  return rows.map((row) => row.name)
}
