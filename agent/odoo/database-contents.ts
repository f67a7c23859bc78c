import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { moduleNamePattern } from '../../lib/repository/module-name.ts'
import { type DatabaseContents, DatabaseContentsSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { type HostileDatabase, withHostileDatabase } from '../database/hostile-database.ts'
import { lookUpOdooTables } from '../database/odoo-tables.ts'
import type { Contents } from '../storage/contents.ts'
import type { Cell } from '../storage/records.ts'

/** What stands in the database; plain JSON. */
export interface InstalledModules {
  /** Names, sorted. */
  readonly installed: readonly string[]
  /** See DatabaseContents in tasks.proto. */
  readonly chosen: readonly string[]
  /** How many more there are under names that no module can have; nobody is told those. */
  readonly misnamed: number
}

/**
 * What a running cell has installed, asked of its database, with which code, as its record says. Undefined where it holds
 * no database of Odoo (yet). `seenAt`: when the data were so, where that was before.
 *
 * @throws TaskError `database-hostile` when the list of modules is not the one that Odoo reads.
 */
export async function readDatabaseContents(
  cell: Cell,
  signal: AbortSignal,
  seenAt = new Date(),
): Promise<DatabaseContents | undefined> {
  const found = await withHostileDatabase(cell, findInstalled, { signal })
  return found && describeContents(found, cell.contents, seenAt)
}

export const describeContents = (
  { installed, chosen }: Pick<InstalledModules, 'installed' | 'chosen'>,
  contents: Contents | undefined,
  seenAt = new Date(),
): DatabaseContents =>
  create(DatabaseContentsSchema, {
    installed: [...installed],
    chosen: [...chosen],
    recorded: contents !== undefined,
    baseImage: contents?.baseImage ?? '',
    addons: contents?.addons ?? {},
    seenAt: timestampFromDate(seenAt),
  })

/** `to upgrade` and `to remove` are marks on what is installed; `to install` is on what is not (ir.module.module). */
const present = ['installed', 'to upgrade', 'to remove']
/** Odoo itself has fewer than a thousand. */
const mostModules = 5_000

/**
 * @throws TaskError `database-hostile` where there are more than any Odoo has, or the list of modules is not the one that Odoo
 *   reads.
 */
export async function findInstalled(database: HostileDatabase): Promise<InstalledModules | undefined> {
  const tables = await lookUpOdooTables(database, ['ir_module_module', 'ir_module_module_dependency'])
  const modules = tables.find('ir_module_module', 'id', 'name', 'state')
  if (!modules) return undefined
  const { rows: all } = await database.query<{ id: number; name: string; auto: boolean | null }>(
    `select id, left(name, 200) as name,
        ${tables.find('ir_module_module', 'auto_install') ? 'auto_install' : 'false'} as auto
       from ${modules} where state = any ($1::text[]) and name is not null order by 2`,
    [present],
    { rows: mostModules },
  )
  // Whoever may write to the table may write anything into it.
  const rows = all.filter(({ name }) => moduleNamePattern.test(name))
  const dependencies = tables.find('ir_module_module_dependency', 'module_id', 'name')
  const needed = dependencies
    ? await database.query<{ name: string }>(
        `select distinct left(name, 200) as name from ${dependencies} where module_id = any ($1::int[])`,
        [rows.map(({ id }) => id)],
      )
    : { rows: [] }
  const others = new Set(needed.rows.map(({ name }) => name))
  return {
    installed: rows.map(({ name }) => name),
    chosen: rows.filter(({ name, auto }) => !auto && !others.has(name)).map(({ name }) => name),
    misnamed: all.length - rows.length,
  }
}
