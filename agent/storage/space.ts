import { statfs } from 'node:fs/promises'
import { TaskError } from '../tasks/task.ts'
import type { PoolDriver } from './driver.ts'
import { measureTree } from './tree/measure.ts'

const MIB = 1024 * 1024

export interface PoolUsage {
  totalBytes: number
  freeBytes: number
}

export async function readUsage(path: string): Promise<PoolUsage> {
  const { bsize, blocks, bavail } = await statfs(path)
  return { totalBytes: bsize * blocks, freeBytes: bsize * bavail }
}

/** Refuses a copy that would not fit. @throws TaskError `disk-full` that names needed and free bytes. */
export async function requireSpaceForCopy(
  root: string,
  driver: PoolDriver,
  from: string,
  reserveBytes: number,
): Promise<void> {
  await requireSpace(root, driver.copiesBytes ? (await measureTree(from)).allocatedBytes : 0, reserveBytes)
}

/**
 * Refuses what would not fit: what it needs, and a reserve, so that the databases that live in the pool can go on writing.
 *
 * @throws TaskError `disk-full` that names needed and free bytes.
 */
export async function requireSpace(root: string, copyBytes: number, reserveBytes: number): Promise<void> {
  const { freeBytes } = await readUsage(root)
  const neededBytes = copyBytes + reserveBytes
  if (freeBytes >= neededBytes) return
  throw new TaskError(
    'disk-full',
    `this needs ${formatBytes(neededBytes)} (${neededBytes} bytes, ${formatBytes(reserveBytes)} of them as reserve) in pool ${root}, which has ${formatBytes(freeBytes)} (${freeBytes} bytes) free: destroy environments or snapshots, or enlarge the pool`,
  )
}

/** Turns the file system's own "no space left" into what a user can act on; other errors stay as they are. */
export function explainFull(root: string, error: unknown): unknown {
  const { code, stderr } = error as { code?: string; stderr?: string }
  if (code !== 'ENOSPC' && code !== 'EDQUOT' && !/No space left/.test(stderr ?? '')) return error
  return new TaskError(
    'disk-full',
    `pool ${root} ran full in the middle; what was made is removed again: free space and retry`,
    {
      cause: error,
    },
  )
}

export function formatBytes(bytes: number): string {
  return bytes >= 1024 * MIB ? `${(bytes / 1024 / MIB).toFixed(1)} GiB` : `${Math.ceil(bytes / MIB)} MiB`
}
