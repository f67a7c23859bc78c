import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

/**
 * Trees that somebody else may be changing while root walks them: by accident (PostgreSQL) or on purpose (code in an Odoo
 * or build container, which has the folder bound into it). In this room a directory or a file is opened without following
 * a link, and all below it is reached through what is open (/proc/self/fd): swapping a directory for a link leads nowhere.
 * Only the path that a walk begins with has to have parents that are ours.
 */
export const insideOf = (directory: FileHandle) => `/proc/self/fd/${directory.fd}/.`

/** An open file by a path, for what takes paths only. */
export const pathOf = (file: FileHandle) => `/proc/self/fd/${file.fd}`

/** Deeper than any database directory or filestore; an end for trees that were made to have none. */
export const MAX_DEPTH = 48

/** Undefined when the path is gone, or is no directory (a link to one is none). */
export const openDirectory = (path: string | Buffer) => openUnfollowed(path, constants.O_DIRECTORY)

/** Undefined when the path is gone, or is no plain file. */
export async function openPlainFile(path: string): Promise<FileHandle | undefined> {
  const file = await openUnfollowed(path, constants.O_NONBLOCK)
  if (!file) return undefined
  const isFile = await file.stat().then(
    (stat) => stat.isFile(),
    async (error) => {
      await file.close()
      throw error
    },
  )
  if (isFile) return file
  await file.close()
  return undefined
}

/**
 * Gives `use` a directory that is open, by a path that stays its own whatever happens around it.
 *
 * @throws Error when there is no directory at `path`.
 */
export async function withDirectory<T>(
  path: string,
  use: (inside: string, directory: FileHandle) => Promise<T>,
): Promise<T> {
  const directory = await openDirectory(path)
  if (!directory) throw new Error(`${path} is not a directory, or a link to one: refusing to follow it`)
  try {
    return await use(insideOf(directory), directory)
  } finally {
    await directory.close()
  }
}

async function openUnfollowed(path: string | Buffer, flags: number): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | flags)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    // The last two: a socket, a device without a driver.
    if (['ENOENT', 'ELOOP', 'ENOTDIR', 'ENXIO', 'ENODEV'].includes(code)) return undefined
    throw error
  }
}
