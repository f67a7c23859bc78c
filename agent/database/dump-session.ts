import type { Cell } from '../storage/records.ts'
import { openLargeObjects } from './administration.ts'
import { withHostileDatabase } from './hostile-database.ts'
import { READER } from './names.ts'
import { ownSettings } from './own-session.ts'
import { optionsOf } from './session.ts'

/**
 * How pg_dump connects to a throwaway copy of a cell: as the role that only reads, so that nothing in the database runs
 * as superuser. @returns the environment of libpq.
 *
 * @throws as `withHostileDatabase`.
 */
export async function prepareDumpSession(cell: Cell, signal: AbortSignal): Promise<string[]> {
  // Proves that the role gets in.
  await withHostileDatabase(cell, async () => undefined, { signal })
  await openLargeObjects(cell, signal)
  return [
    `PGUSER=${READER}`,
    `PGOPTIONS=${optionsOf({ ...ownSettings(cell), default_transaction_read_only: 'on' })}`,
  ]
}
