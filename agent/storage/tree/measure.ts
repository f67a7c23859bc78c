import type { Stats } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { lstatIfThere } from '../../../lib/files/lstat-if-there.ts'
import { insideOf, MAX_DEPTH, openDirectory } from './unfollowed.ts'

const IN_FLIGHT = 8

export interface TreeSize {
  /** As `ls` shows it. */
  apparentBytes: number
  /** Blocks on disk; blocks shared with other copies count in each of them. */
  allocatedBytes: number
}

/** The size of all plain files below a path; 0 when there is nothing. */
export async function measureTree(path: string, depth = 0): Promise<TreeSize> {
  const total: TreeSize = { apparentBytes: 0, allocatedBytes: 0 }
  const directory = depth > MAX_DEPTH ? undefined : await openDirectory(path)
  if (!directory) return total
  const add = (size: TreeSize) => {
    total.apparentBytes += size.apparentBytes
    total.allocatedBytes += size.allocatedBytes
  }
  try {
    const inside = insideOf(directory)
    const entries = await readdir(inside, { withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile()).values()
    const measureSome = async () => {
      for (const { name } of files) add(sizeOf(await lstatIfThere(`${inside}/${name}`)))
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, measureSome))
    for (const entry of entries) {
      if (entry.isDirectory()) add(await measureTree(`${inside}/${entry.name}`, depth + 1))
    }
  } finally {
    await directory.close()
  }
  return total
}

function sizeOf(stat: Stats | undefined): TreeSize {
  return { apparentBytes: stat?.size ?? 0, allocatedBytes: (stat?.blocks ?? 0) * 512 }
}
