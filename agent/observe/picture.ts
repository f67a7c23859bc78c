import { withHostileDatabase } from '../database/hostile-database.ts'
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
  return withHostileDatabase(
    cell,
    async (database) => {
      const catalog = await readCatalog(database)
      const odoo = await readOdooState(database)
      return { catalog, odoo, counts: await countRows(database, catalog.tables, budget) }
    },
    { signal, bounds: { statementMs: catalogTimeoutMs } },
  )
}

/** The picture of afterwards, and what only a question to the database can tell. */
export async function takeSecondPicture(
  cell: Cell,
  before: Picture,
  signal: AbortSignal,
): Promise<Picture & { deactivatedViews: string[] }> {
  const after = await takePicture(cell, signal)
  const deactivatedViews = await withHostileDatabase(
    cell,
    (database) => listDeactivated(database, before.odoo.activeViews),
    { signal, bounds: { statementMs: catalogTimeoutMs } },
  )
  return { ...after, deactivatedViews }
}
