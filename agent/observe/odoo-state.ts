import type { Queries } from '../odoo/installed-modules.ts'
import type { Catalog } from './catalog.ts'

/** What Odoo has written down about its views and modules. Plain JSON. */
export interface OdooState {
  activeViews: number[]
  /** Version in the database of every module that is installed, or about to be changed. */
  versions: Record<string, string>
}

/** Empty where the database is not one of Odoo's. The session's search path must be `pg_catalog`. */
export async function readOdooState(database: Queries, catalog: Catalog): Promise<OdooState> {
  const state: OdooState = { activeViews: [], versions: {} }
  if (hasColumns(catalog, 'ir_ui_view', ['active'])) {
    const { rows } = await database.query<{ id: number }>(
      'select id from public.ir_ui_view where active order by id',
    )
    state.activeViews = rows.map(({ id }) => id)
  }
  if (hasColumns(catalog, 'ir_module_module', ['name', 'latest_version'])) {
    const { rows } = await database.query<{ name: string; version: string }>(
      "select name, latest_version as version from public.ir_module_module where latest_version <> ''",
    )
    state.versions = Object.fromEntries(rows.map(({ name, version }) => [name, version]))
  }
  return state
}

/** Those of `activeViews` that are there and not active, by `module.xml_id` or the view's name, sorted. */
export async function listDeactivated(
  database: Queries,
  catalog: Catalog,
  activeViews: readonly number[],
): Promise<string[]> {
  if (activeViews.length === 0 || !hasColumns(catalog, 'ir_ui_view', ['active', 'name'])) return []
  if (!hasColumns(catalog, 'ir_model_data', ['module', 'name', 'model', 'res_id'])) return []
  const { rows } = await database.query<{ name: string }>(
    `select coalesce(min(d.module || '.' || d.name), v.name) as name
       from public.ir_ui_view v
       left join public.ir_model_data d on d.model = 'ir.ui.view' and d.res_id = v.id
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

/** Only real tables are asked: a view in their place could run somebody's code with our rights. */
function hasColumns({ parts }: Catalog, table: string, columns: readonly string[]): boolean {
  const there = parts.filter((part) => part.kind === 'column' && part.table === table)
  return columns.every((column) => there.some(({ name }) => name === column))
}
