import { join } from 'node:path'
import { TaskError } from '../tasks/task.ts'
import type { PoolDriver } from './driver.ts'
import type { Layout, Snapshot } from './layout.ts'
import type { Cell } from './records.ts'
import { describeFree, formatBytes, type PoolUsage, readUsage } from './space.ts'
import { measureTree } from './tree/measure.ts'
import { keepWayBack, keptForOthers } from './way-back.ts'

/**
 * Whether the pool has room for what is about to be copied. Beside it a reserve stays free for the databases that live in the
 * pool, and what is kept for putting other cells' data back. Drivers that share blocks need no room for a copy.
 *
 * Every method throws TaskError `disk-full`, which names needed and free bytes.
 */
export interface Room {
  /** `cellId`: the copy is one of that cell, which what is kept for it is for. */
  requireBytes(bytes: number, cellId?: string): Promise<void>
  requireForCopy(from: string, cellId?: string): Promise<void>
  /**
   * All that a failure of a change of the cell's data would take, which is kept from others from then on: the safety snapshot,
   * a copy of the failed data, and the snapshot's copy beside them until it has taken their place (storage/restore.ts).
   *
   * @param incoming what the change puts in place of the data, where it does.
   */
  requireWayBack(cell: Cell, incoming: Snapshot | undefined): Promise<PoolUsage>
  /** A copy of failed data, made only where the way back has its room beside it. */
  requireForStudy(cell: Cell, safety: readonly Snapshot[]): Promise<void>
  /** Nothing is refused to the way back but what does not fit: no reserve, and nothing of others' either. */
  requireForRestore(snapshot: Snapshot): Promise<void>
}

interface Part {
  readonly what: string
  readonly bytes: number
}

/** @param giveWay removes what can be made again and nobody needs; whether there was any. */
export function createRoom(
  layout: Layout,
  driver: PoolDriver,
  reserveBytes: number,
  giveWay: () => Promise<boolean>,
): Room {
  const copyBytes = async (from: string) =>
    driver.copiesBytes ? (await measureTree(from)).allocatedBytes : 0
  const bytesOf = ({ paths }: Cell | Snapshot) => copyBytes(join(paths.root, 'content'))

  async function usageFor(neededBytes: number): Promise<PoolUsage> {
    const usage = await readUsage(layout.root)
    return usage.freeBytes < neededBytes && (await giveWay()) ? readUsage(layout.root) : usage
  }

  async function requireParts(parts: readonly Part[], cellId?: string): Promise<PoolUsage> {
    const kept = driver.copiesBytes ? await keptForOthers(layout, cellId) : 0
    const wanted = [
      ...parts,
      { what: 'as reserve', bytes: reserveBytes },
      { what: 'kept for putting the data of other environments back', bytes: kept },
    ].filter(({ bytes }) => bytes > 0)
    const neededBytes = wanted.reduce((sum, { bytes }) => sum + bytes, 0)
    const usage = await usageFor(neededBytes)
    if (usage.freeBytes >= neededBytes) return usage
    const listed = wanted.map(({ what, bytes }) => `${formatBytes(bytes)} ${what}`).join(', ')
    throw new TaskError(
      'disk-full',
      `this needs ${formatBytes(neededBytes)} (${neededBytes} bytes: ${listed}) in the host's pool, which has ` +
        `${describeFree(usage)}: destroy environments or snapshots, or enlarge the pool`,
    )
  }

  return {
    async requireBytes(bytes, cellId) {
      await requireParts([{ what: 'for the copy', bytes }], cellId)
    },
    async requireForCopy(from, cellId) {
      await requireParts([{ what: 'for the copy', bytes: await copyBytes(from) }], cellId)
    },
    async requireWayBack(cell, incoming) {
      const now = await bytesOf(cell)
      const after = Math.max(now, incoming ? await bytesOf(incoming) : 0)
      const usage = await requireParts(
        [
          { what: 'for a safety snapshot', bytes: now },
          { what: 'for what is larger in the data that come in', bytes: after - now },
          { what: 'for a copy of the data that failed', bytes: after },
          { what: 'to put the snapshot back beside them', bytes: now },
        ],
        cell.id,
      )
      if (driver.copiesBytes) await keepWayBack(layout, cell.id, after + now)
      return usage
    },
    async requireForStudy(cell, safety) {
      const wayBack = await Promise.all(safety.map(bytesOf))
      await requireParts(
        [
          { what: 'for a copy of the data that failed', bytes: await bytesOf(cell) },
          { what: 'to put the snapshot back beside it', bytes: Math.max(0, ...wayBack) },
        ],
        cell.id,
      )
    },
    async requireForRestore(snapshot) {
      const bytes = await bytesOf(snapshot)
      if (bytes === 0) return
      const usage = await usageFor(bytes)
      if (usage.freeBytes >= bytes) return
      throw new TaskError(
        'disk-full',
        `putting the snapshot back needs ${formatBytes(bytes)} (${bytes} bytes) in the host's pool, which has ` +
          `${describeFree(usage)}: destroy environments or snapshots, or enlarge the pool, and try again`,
      )
    },
  }
}
