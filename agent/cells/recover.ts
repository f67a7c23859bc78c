import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findContainer } from '../containers/docker.ts'
import { ensurePostgres, postgresName } from '../containers/postgres.ts'
import type { Cell } from '../storage/records.ts'
import type { CellParts } from './parts.ts'

const marker = (cell: Cell) => join(cell.paths.root, 'stopped')

/** Remembers whether a cell's PostgreSQL is stopped on purpose: Docker knows, but does not tell. */
export async function markStopped(cell: Cell, stopped: boolean): Promise<void> {
  if (stopped) await writeFile(marker(cell), '')
  else await rm(marker(cell), { force: true })
}

/** What became of the cells that were down, by their ids. */
export interface Recovery {
  readonly recovered: readonly string[]
  /** They stay down: the other cells of the host are managed all the same. */
  readonly failed: readonly { readonly cellId: string; readonly error: Error }[]
}

/** Starts what runs no more though nobody stopped it; a cell without a container never ran to the end of its making. */
export async function recoverAfterBoot(
  { host, pool, withLock }: CellParts,
  signal: AbortSignal,
): Promise<Recovery> {
  const recovered: string[] = []
  const failed: Recovery['failed'][number][] = []
  for (const cell of await pool.listCells()) {
    // Whoever puts it back starts it, and nobody needs it before.
    if (cell.dirty?.why === 'restore') continue
    await withLock(cell.id, signal, async () => {
      const container = await findContainer(host, postgresName(cell.id))
      if (!container || container.State.Running || existsSync(marker(cell))) return
      try {
        await ensurePostgres(host, cell, signal)
        recovered.push(cell.id)
      } catch (error) {
        signal.throwIfAborted()
        failed.push({ cellId: cell.id, error: error as Error })
      }
    })
  }
  return { recovered, failed }
}
