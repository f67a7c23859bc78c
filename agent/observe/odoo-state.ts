import type { HostileDatabase } from '../database/hostile-database.ts'
import { lookUpOdooTables } from '../database/odoo-tables.ts'

/** What Odoo has written down about its views and modules. Plain JSON. */
export interface OdooState {
  activeViews: number[]
  /** Version in the database of every module that is installed, or about to be changed. */
  versions: Record<string, string>
}

/** Empty where the database is not one of Odoo's. */
export async function readOdooState(database: HostileDatabase): Promise<OdooState> {
  const state: OdooState = { activeViews: [], versions: {} }
  const tables = await lookUpOdooTables(database, ['ir_ui_view', 'ir_module_module'])
  const views = tables.find('ir_ui_view', 'id', 'active')
  if (views) {
    const { rows } = await database.query<{ id: number }>(`select id from ${views} where active order by id`)
    state.activeViews = rows.map(({ id }) => id)
  }
  const modules = tables.find('ir_module_module', 'name', 'latest_version')
  if (modules) {
    const { rows } = await database.query<{ name: string; version: string }>(
      `select left(name, 200) as name, left(latest_version, 100) as version from ${modules}
        where latest_version <> '' and name is not null`,
    )
    state.versions = Object.fromEntries(rows.map(({ name, version }) => [name, version]))
  }
  return state
}

/** Those of `activeViews` that are there and not active, by `module.xml_id` or the view's name, sorted. */
export async function listDeactivated(
  database: HostileDatabase,
  activeViews: readonly number[],
): Promise<string[]> {
  const tables = await lookUpOdooTables(database, ['ir_ui_view', 'ir_model_data'])
  const views = tables.find('ir_ui_view', 'id', 'active', 'name')
  const data = tables.find('ir_model_data', 'module', 'name', 'model', 'res_id')
  if (activeViews.length === 0 || !views || !data) return []
  const { rows } = await database.query<{ name: string }>(
    `select left(coalesce(min(d.module || '.' || d.name), v.name), 300) as name
       from ${views} v
       left join ${data} d on d.model = 'ir.ui.view' and d.res_id = v.id
      where v.active is not true and v.id = any ($1::int[])
      group by v.id, v.name
      order by 1`,
    [activeViews],
  )
  return rows.map(({ name }) => name)
}

export interface VersionChange {
  module: string
  before: string
  after: string
  scripts: string[]
}

/** Modules with another version than before, or that ran scripts, by name. */
export function compareVersions(
  before: OdooState['versions'],
  after: OdooState['versions'],
  scripts: ReadonlyMap<string, readonly string[]>,
): VersionChange[] {
  const [old, now] = [new Map(Object.entries(before)), new Map(Object.entries(after))]
  return [...new Set([...old.keys(), ...now.keys(), ...scripts.keys()])]
    .map((module) => ({
      module,
      before: old.get(module) ?? '',
      after: now.get(module) ?? '',
      scripts: [...(scripts.get(module) ?? [])],
    }))
    .filter((each) => each.before !== each.after || each.scripts.length > 0)
    .toSorted((a, b) => (a.module < b.module ? -1 : 1))
}
