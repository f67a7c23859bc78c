import { type ContainerRole, listContainers, stopAndRemove } from '../containers/docker.ts'
import { ensurePostgres, stopPostgres } from '../containers/postgres.ts'
import { sealDatabase } from '../database/administration.ts'
import { requireClean } from '../storage/dirty.ts'
import type { Snapshot } from '../storage/layout.ts'
import { inheritNeutrality, isHarmless, neutralityOf, worse } from '../storage/neutrality.ts'
import type { Cell } from '../storage/records.ts'
import { TaskError } from '../tasks/task.ts'
import { withImage } from './images.ts'
import type { CellParts, Step } from './parts.ts'
import { markStopped } from './recover.ts'
import { isInUse } from './snapshot.ts'

export async function restoreCell(
  parts: CellParts,
  cellId: string,
  snapshotId: string,
  step: Step,
): Promise<Cell> {
  const { host, pool, withLock } = parts
  const { signal } = step
  return withLock(cellId, signal, async () => {
    const cell = await pool.requireCell(cellId)
    const snapshot = await pool.requireSnapshot(snapshotId)
    await requireRestorable(parts, cell, snapshot)
    const { odooPassword } = await pool.readSecrets(cell)
    await step.requireLease()
    await removeContainers(parts, cell.id, 'inspection')
    await stopPostgres(host, cell.id)
    const { paths: _, ...record } = cell
    const { contents: _contents, dirty, ...any } = record
    const neutrality = inheritNeutrality(snapshot, cell.stage)
    // Whatever content a crash leaves in the cell, or none at all: the record says no better of it than it is, and that nobody
    // starts it but a restore.
    await pool.saveCell({
      ...any,
      neutrality: worse(neutralityOf(cell), neutrality),
      dirty: { why: 'restore', since: dirty?.since ?? new Date().toISOString() },
    })
    if (!isHarmless(neutrality)) await removeContainers(parts, cell.id, 'odoo')
    try {
      await pool.beginRestore(cell, snapshot, step.epoch, signal)
      await ensurePostgres(host, cell, signal)
      // The snapshot has the password of its time, perhaps of another cell.
      await sealDatabase(cell, odooPassword, signal)
      await step.requireLease()
    } catch (error) {
      await takeBack(parts, cell, error as Error)
      // As clean as it was, or as dirty.
      await pool.saveCell(record)
      throw error
    }
    await pool.confirmRestore(cell)
    await markStopped(cell, false)
    // Elsewhere what may touch the data goes by the data alone, whatever the cell held before.
    const known = cell.stage === 'production' ? cell.images : []
    const images = [...(snapshot.images ?? []), ...(known ?? [])].reduce<string[]>(withImage, [])
    const contents = snapshot.contents && { contents: snapshot.contents }
    return pool.saveCell({ ...any, neutrality, images, ...contents })
  })
}

/**
 * Runtimes at rest, which Docker starts again when it starts, and asks nobody; and looks at what is about to be replaced,
 * which nothing of value is lost with.
 */
async function removeContainers({ host }: CellParts, cell: string, role: ContainerRole): Promise<void> {
  for (const { Id } of await listContainers(host, { role, cell })) await stopAndRemove(host, Id)
}

/** Not under the task's signal: a cancelled restore leaves the cell as it was, and running. */
async function takeBack({ host, pool }: CellParts, cell: Cell, error: Error): Promise<void> {
  try {
    await stopPostgres(host, cell.id)
    await pool.undoRestore(cell)
    await ensurePostgres(host, cell, AbortSignal.timeout(10 * 60_000))
  } catch (cause) {
    throw new TaskError(
      'restore-stuck',
      `restoring cell ${cell.id} failed (${error.message}), and so did going back (${(cause as Error).message}): nothing is deleted, look at ${cell.paths.root}`,
      { cause },
    )
  }
}

async function requireRestorable(parts: CellParts, cell: Cell, snapshot: Snapshot): Promise<void> {
  if (await isInUse(parts, cell.id, ['postgres', 'inspection'])) {
    throw new TaskError('cell-in-use', `cell ${cell.id} is in use: stop its runtime before restoring it`)
  }
  if (snapshot.postgresMajor !== cell.postgresMajor) {
    throw new TaskError(
      'postgres-mismatch',
      `snapshot ${snapshot.id} is of PostgreSQL ${snapshot.postgresMajor}, cell ${cell.id} runs ${cell.postgresMajor}: clone the snapshot into a new cell instead`,
    )
  }
  if (cell.stage === 'production') requireClean({ ...snapshot, id: snapshot.cellId })
  const foreign = snapshot.cellId !== cell.id && snapshot.environmentId !== cell.environmentId
  if (foreign && cell.stage === 'production' && snapshot.stage !== 'production') {
    throw new TaskError(
      'stage-mismatch',
      `snapshot ${snapshot.id} is not of a production cell: refusing to restore it`,
    )
  }
}
