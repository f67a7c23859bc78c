import { isPostgresRunning, stopPostgres } from '../containers/postgres.ts'
import { requireClean } from '../storage/dirty.ts'
import type { Cell } from '../storage/records.ts'
import type { CellParts } from './parts.ts'
import { markStopped } from './recover.ts'
import { startCell } from './start.ts'

/** See Cells. */
export async function visitCell<T>(
  parts: CellParts,
  cellId: string,
  signal: AbortSignal,
  use: (cell: Cell) => Promise<T>,
): Promise<T> {
  const { host, pool, withLock } = parts
  const start = async () => {
    const cell = await pool.requireCell(cellId)
    requireClean(cell)
    return startCell(parts, cell, signal)
  }
  const visited = await withLock<{ running: Cell } | { answer: T }>(cellId, signal, async () => {
    if (await isPostgresRunning(host, cellId)) return { running: await start() }
    try {
      return { answer: await use(await start()) }
    } finally {
      // Also where the task was cancelled meanwhile.
      await stopCell(parts, cellId)
    }
  })
  return 'running' in visited ? use(visited.running) : visited.answer
}

/** Under the cell's lock. One that is not there is fine. */
export async function stopCell({ host, pool }: CellParts, cellId: string): Promise<void> {
  const cell = await pool.findCell(cellId)
  if (cell) await markStopped(cell, true)
  await stopPostgres(host, cellId)
}
