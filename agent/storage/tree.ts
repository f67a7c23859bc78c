import { constants, type Stats } from 'node:fs'
import { chmod, chown, copyFile, type FileHandle, mkdir, open, readdir } from 'node:fs/promises'
import { lstatIfThere } from '../lstat-if-there.ts'

/**
 * Copying and measuring directory trees that somebody else may be changing at the same time, by accident (PostgreSQL) or
 * on purpose (code in an Odoo container). Directories and files are opened without following links, and everything below
 * is reached through the open directory (/proc/self/fd): swapping a directory for a link leads nowhere.
 */
export interface CopyTreeOptions {
  /** `reflink`: share the blocks or fail. `bytes`: read and write. */
  how: 'reflink' | 'bytes'
  /** Called with the path below the root; true leaves the entry out (of a directory: with all it holds). */
  skip?: (relative: string) => boolean
  signal: AbortSignal
}

const IN_FLIGHT = 8
/** Deeper than any database directory or filestore; an end for trees that were made to have none. */
const MAX_DEPTH = 48

/**
 * Copies plain files and directories with owner and mode; not times, not extended attributes. Links, sockets and devices
 * are left out. A file that vanishes meanwhile is left out as well: for PostgreSQL's data that is right in a base
 * backup (recovery makes it again or drops it), for a filestore it means that it was deleted a moment ago.
 *
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
  const directory = await openUnfollowed(from, constants.O_DIRECTORY)
  if (!directory) return 0
  let bytes = 0
  try {
    const inside = `/proc/self/fd/${directory.fd}`
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
  const source = await openUnfollowed(from, constants.O_NONBLOCK)
  if (!source) return 0
  try {
    const stat = await source.stat()
    if (!stat.isFile()) return 0
    const mode = how === 'reflink' ? constants.COPYFILE_FICLONE_FORCE : 0
    await copyFile(`/proc/self/fd/${source.fd}`, to, mode | constants.COPYFILE_EXCL)
    await chown(to, stat.uid, stat.gid)
    return stat.size
  } finally {
    await source.close()
  }
}

/** Undefined when the path is gone or is a link. */
async function openUnfollowed(path: string, flags: number): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | flags)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (['ENOENT', 'ELOOP', 'ENOTDIR', 'ENXIO'].includes(code)) return undefined
    throw error
  }
}

export interface TreeSize {
  /** As `ls` shows it. */
  apparentBytes: number
  /** Blocks on disk; blocks shared with other copies count in each of them. */
  allocatedBytes: number
}

/** The size of all plain files below a path; 0 when there is nothing. */
export async function measureTree(path: string, depth = 0): Promise<TreeSize> {
  const total: TreeSize = { apparentBytes: 0, allocatedBytes: 0 }
  const directory = depth > MAX_DEPTH ? undefined : await openUnfollowed(path, constants.O_DIRECTORY)
  if (!directory) return total
  const add = (size: TreeSize) => {
    total.apparentBytes += size.apparentBytes
    total.allocatedBytes += size.allocatedBytes
  }
  try {
    const inside = `/proc/self/fd/${directory.fd}`
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
