import { constants } from 'node:fs'
import { chmod, chown, copyFile, mkdir, readdir } from 'node:fs/promises'
import { insideOf, MAX_DEPTH, openDirectory, openPlainFile, pathOf } from './unfollowed.ts'

export interface CopyTreeOptions {
  /** `reflink`: share the blocks or fail. `bytes`: read and write. */
  how: 'reflink' | 'bytes'
  /** Called with the path below the root; true leaves the entry out (of a directory: with all it holds). */
  skip?: (relative: string) => boolean
  signal: AbortSignal
}

const IN_FLIGHT = 8

/**
 * Copies plain files and directories with owner and mode; not times, not extended attributes. Links, sockets and devices
 * are left out. A file that vanishes meanwhile is left out as well: for PostgreSQL's data that is right in a base
 * backup (recovery makes it again or drops it), for a filestore it means that it was deleted a moment ago.
 *
 * @param from a directory, whose parent is ours.
 * @param to where no container reaches.
 * @returns the number of bytes of the files copied.
 */
export async function copyTree(from: string, to: string, options: CopyTreeOptions): Promise<number> {
  return copyDirectory(from, to, '', options, 0)
}

async function copyDirectory(
  from: string,
  to: string,
  relative: string,
  options: CopyTreeOptions,
  depth: number,
): Promise<number> {
  if (depth > MAX_DEPTH) throw new Error(`directories are nested too deeply at ${relative}`)
  const directory = await openDirectory(from)
  // Gone meanwhile, or a link now. Of the whole tree that would be a copy of nothing.
  if (!directory && depth === 0) throw new Error(`${from} is not a directory: refusing to copy it`)
  if (!directory) return 0
  let bytes = 0
  try {
    const inside = insideOf(directory)
    const stat = await directory.stat()
    await mkdir(to, { mode: 0o700, recursive: true })
    const entries = (await readdir(inside, { withFileTypes: true })).filter(
      (entry) => !options.skip?.(`${relative}${entry.name}`),
    )
    const files = entries.filter((entry) => entry.isFile()).values()
    const copySome = async () => {
      for (const { name } of files) {
        options.signal.throwIfAborted()
        bytes += await copyPlainFile(`${inside}/${name}`, `${to}/${name}`, options.how)
      }
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, copySome))
    for (const { name } of entries.filter((entry) => entry.isDirectory())) {
      bytes += await copyDirectory(
        `${inside}/${name}`,
        `${to}/${name}`,
        `${relative}${name}/`,
        options,
        depth + 1,
      )
    }
    await chown(to, stat.uid, stat.gid)
    await chmod(to, stat.mode & 0o7777)
  } finally {
    await directory.close()
  }
  return bytes
}

/** Copies one plain file with owner and mode; nothing happens when it is gone or is no plain file. */
export async function copyPlainFile(from: string, to: string, how: CopyTreeOptions['how']): Promise<number> {
  const source = await openPlainFile(from)
  if (!source) return 0
  try {
    const stat = await source.stat()
    const mode = how === 'reflink' ? constants.COPYFILE_FICLONE_FORCE : 0
    await copyFile(pathOf(source), to, mode | constants.COPYFILE_EXCL)
    await chown(to, stat.uid, stat.gid)
    return stat.size
  } finally {
    await source.close()
  }
}
