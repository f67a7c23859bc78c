import { DATABASE, withSuperuser } from '../containers/postgres-client.ts'
import type { Cell } from '../storage/records.ts'
import { type Catalog, readCatalog } from './catalog.ts'
import { listDeactivated, type OdooState, readOdooState } from './odoo-state.ts'
import { type Count, countRows } from './row-counts.ts'

/** A cell's database at one moment, as far as updates are compared. Plain JSON. */
export interface Picture {
  catalog: Catalog
  counts: Count[]
  odoo: OdooState
}

/** Visitors wait meanwhile: on 600 tables of a few hundred megabytes it takes well under a second. */
const budget = { totalMs: 5_000, statementMs: 2_000 }
const catalogTimeoutMs = 30_000

/** Takes no lock that keeps others from writing. */
export function takePicture(cell: Cell, signal: AbortSignal): Promise<Picture> {
  return withSuperuser(
    cell,
    async (database) => {
      await database.query(preparation)
      const catalog = await readCatalog(database)
      const odoo = await readOdooState(database, catalog)
      return { catalog, odoo, counts: await countRows(database, catalog.tables, budget) }
    },
    { database: DATABASE, signal },
  )
}

/** The picture of afterwards, and what only a question to the database can tell. */
export async function takeSecondPicture(
  cell: Cell,
  before: Picture,
  signal: AbortSignal,
): Promise<Picture & { deactivatedViews: string[] }> {
  const after = await takePicture(cell, signal)
  const deactivatedViews = await withSuperuser(
    cell,
    async (database) => {
      await database.query(preparation)
      return listDeactivated(database, after.catalog, before.odoo.activeViews)
    },
    { database: DATABASE, signal },
  )
  return { ...after, deactivatedViews }
}

// The database's owner may have put functions of its own in the way: none is found but PostgreSQL's.
const preparation = `set search_path = pg_catalog; set default_transaction_read_only = on;
  set statement_timeout = ${catalogTimeoutMs}`
