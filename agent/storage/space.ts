import { statfs } from 'node:fs/promises'
import { TaskError } from '../tasks/task.ts'
import { findSparseImage } from './outer.ts'

const MIB = 1024 * 1024

export interface PoolUsage {
  totalBytes: number
  /** What can be written: where the pool is in a sparse image, no more than the file system around it has left. */
  freeBytes: number
  /** Of the file system around a sparse image; undefined where the pool is in none. */
  outerFreeBytes?: number
}

export async function readUsage(path: string): Promise<PoolUsage> {
  const { bsize, blocks, bavail } = await statfs(path)
  const inner = { totalBytes: bsize * blocks, freeBytes: bsize * bavail }
  const image = await findSparseImage(path)
  if (image === undefined) return inner
  const { freeBytes: outerFreeBytes } = await readUsage(image)
  return { ...inner, freeBytes: Math.min(inner.freeBytes, outerFreeBytes), outerFreeBytes }
}

/** Free bytes as people read them, and which file system they are of. */
export function describeFree({ freeBytes, outerFreeBytes }: PoolUsage): string {
  const free = `${formatBytes(freeBytes)} (${freeBytes} bytes) free`
  return freeBytes === outerFreeBytes ? `${free} in the file system around its image` : free
}

/** Turns the file system's own "no space left" into what a user can act on; other errors stay as they are. */
export function explainFull(error: unknown): unknown {
  const { code, stderr } = error as { code?: string; stderr?: string }
  if (code !== 'ENOSPC' && code !== 'EDQUOT' && !/No space left/.test(stderr ?? '')) return error
  return new TaskError(
    'disk-full',
    'the pool ran full in the middle; what was made is removed again: free space and retry',
    { cause: error },
  )
}

export function formatBytes(bytes: number): string {
  return bytes >= 1024 * MIB ? `${(bytes / 1024 / MIB).toFixed(1)} GiB` : `${Math.ceil(bytes / MIB)} MiB`
}
