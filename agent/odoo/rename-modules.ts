import type { ModuleRename } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { withHostileDatabase } from '../database/hostile-database.ts'
import { type Change, changeHostileDatabase } from '../database/hostile-writer.ts'
import { lookUpOdooTables, type OdooTables } from '../database/odoo-tables.ts'
import type { Cell } from '../storage/records.ts'

type Rename = Pick<ModuleRename, 'from' | 'to'>

/** Tables and the columns of them that name a module; those of other series are not there, and are passed over. */
const known = {
  ir_module_module: ['id', 'name', 'state', 'latest_version'],
  ir_model_data: ['id', 'module', 'name', 'model', 'res_id'],
  ir_module_module_dependency: ['id', 'module_id', 'name'],
  ir_model_constraint: ['module'],
  ir_model_relation: ['module'],
  ir_ui_view: ['key'],
  /** Until 15. */
  ir_translation: ['module'],
} as const
type Table = keyof typeof known

/**
 * Makes what belongs to one module belong to another, before Odoo updates that one: then it takes over tables, records and
 * settings where it would else begin anew. After `update_module_names` of openupgradelib, in one transaction, and nothing
 * where `from` is not installed, so that it may run again. Where `to` is there, it is a merge.
 *
 * Two departures. Names of records that both modules have are removed where both mean the same record, and a record that
 * is marked `noupdate` stays so, which keeps Odoo from removing it after the update. The former module is not deleted but
 * uninstalled: the agent's sessions do not fire the triggers that keep foreign keys.
 *
 * @returns what was renamed.
 * @throws TaskError `database-hostile` naming a table that is not what it seems; `not-odoo`.
 */
export async function renameModules(
  cell: Cell,
  renames: readonly Rename[],
  signal: AbortSignal,
): Promise<Rename[]> {
  if (renames.length === 0) return []
  const names = Object.keys(known)
  const tables = await withHostileDatabase(cell, (database) => lookUpOdooTables(database, names), { signal })
  const has = (table: Table) => tables.find(table, ...known[table]) !== undefined
  for (const table of ['ir_module_module', 'ir_model_data', 'ir_module_module_dependency'] as const)
    requireTable(tables, table)
  return changeHostileDatabase(
    cell,
    names,
    async (change) => {
      const done: Rename[] = []
      for (const rename of renames) if (await renameOne(change, rename, has)) done.push(rename)
      return done
    },
    signal,
  )
}

const requireTable = (tables: OdooTables, table: Table) => tables.require(table, ...known[table])

async function renameOne(
  change: Change,
  { from, to }: Rename,
  has: (table: Table) => boolean,
): Promise<boolean> {
  const rows = await change<{ id: number; name: string; state: string }>(
    `select id, name, state from public.ir_module_module where name = any ($1::text[])`,
    [[from, to]],
  )
  const former = rows.find(({ name }) => name === from)
  const present = rows.find(({ name }) => name === to)
  if (!former || !['installed', 'to upgrade'].includes(former.state)) return false
  if (present) await merge(change, former, present, has)
  else await giveName(change, former.id, { from, to })
  await moveData(change, { from, to })
  await change(
    `delete from public.ir_module_module_dependency d where name = $1 and exists (
       select from public.ir_module_module_dependency o where o.module_id = d.module_id and o.name = $2)`,
    [from, to],
  )
  await change('update public.ir_module_module_dependency set name = $2 where name = $1', [from, to])
  if (has('ir_ui_view'))
    await change(
      `update public.ir_ui_view set key = $2 || substr(key, length($1) + 1) where starts_with(key, $1 || '.')`,
      [from, to],
    )
  if (has('ir_translation'))
    await change('update public.ir_translation set module = $2 where module = $1', [from, to])
  return true
}

async function giveName(change: Change, id: number, { from, to }: Rename): Promise<void> {
  await change('update public.ir_module_module set name = $2 where id = $1', [id, to])
  await change(
    `update public.ir_model_data set name = 'module_' || $2
      where module = 'base' and model = 'ir.module.module' and name = 'module_' || $1`,
    [from, to],
  )
}

interface Row {
  readonly id: number
  readonly state: string
}

/** Constraints and relations are entered anew by the module that is updated. */
async function merge(change: Change, from: Row, to: Row, has: (table: Table) => boolean): Promise<void> {
  for (const table of ['ir_model_constraint', 'ir_model_relation'] as const)
    if (has(table)) await change(`delete from public.${table} where module = $1`, [from.id])
  if (!['installed', 'to upgrade'].includes(to.state))
    await change(
      `update public.ir_module_module t set state = 'installed', latest_version = f.latest_version
         from public.ir_module_module f where t.id = $2 and f.id = $1`,
      [from.id, to.id],
    )
  await change(
    `update public.ir_module_module set state = 'uninstalled', latest_version = null where id = $1`,
    [from.id],
  )
}

async function moveData(change: Change, { from, to }: Rename): Promise<void> {
  await change(
    `delete from public.ir_model_data d where module = $1 and exists (
       select from public.ir_model_data o
        where o.module = $2 and o.name = d.name and o.model = d.model and o.res_id = d.res_id)`,
    [from, to],
  )
  // Odoo removes what the update does not name again.
  await change(
    `update public.ir_model_data d set name = d.name || '_from_' || $1 || '_' || d.id where module = $1 and exists (
       select from public.ir_model_data o where o.module = $2 and o.name = d.name)`,
    [from, to],
  )
  await change('update public.ir_model_data set module = $2 where module = $1', [from, to])
}
