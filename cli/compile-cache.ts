import { lstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A folder for code that Node has compiled, so that the next start need not: nobody's but the caller's, for who writes there
 * decides what the caller runs. Undefined where there is none to be had, and then nothing is kept.
 */
export function findCompileCache(cacheHome: string): string | undefined {
  const directory = join(cacheHome, 'fairway')
  try {
    // A home that is not there is not made.
    for (const path of [cacheHome, directory]) makeUnlessThere(path)
    const found = lstatSync(directory)
    const isOurs =
      process.getuid === undefined || (found.uid === process.getuid() && (found.mode & 0o022) === 0)
    return isOurs && found.isDirectory() ? join(directory, 'compiled') : undefined
  } catch {
    // Read-only, full, somebody else's: the start takes a little longer, and that is all.
    return undefined
  }
}

function makeUnlessThere(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
