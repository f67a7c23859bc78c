import { ensurePostgres } from '../containers/postgres.ts'
import { sealDatabase } from '../database/administration.ts'
import type { Cell } from '../storage/records.ts'
import type { CellParts } from './parts.ts'
import { markStopped } from './recover.ts'

/** Starts a cell's PostgreSQL; a cell that nobody has used yet gets its role, password and database now. */
export async function startCell({ host, pool }: CellParts, cell: Cell, signal: AbortSignal): Promise<Cell> {
  await markStopped(cell, false)
  await ensurePostgres(host, cell, signal)
  if (cell.sealed) return cell
  const { odooPassword } = await pool.readSecrets(cell)
  await sealDatabase(cell, odooPassword, signal)
  const { paths: _, ...record } = cell
  return pool.saveCell({ ...record, sealed: true })
}
