import { randomUUID } from 'node:crypto'
import { type FileHandle, opendir, rename, rmdir, unlink } from 'node:fs/promises'
import { insideOf, openDirectory } from './unfollowed.ts'

/** Directories open at a time; what is deeper is moved up, so that no depth keeps a tree from being removed. */
const MAX_DEPTH = 48
/** How often a directory is emptied that others fill again meanwhile; the highest one also with what was too deep. */
const MAX_ROUNDS = { top: 10_000, below: 20 }

/**
 * Removes whatever is at a path; nothing there is fine. Links are removed, never followed, also when a container that was
 * not ended puts them there this moment.
 *
 * @param path whose parent is ours.
 * @throws Error when somebody keeps filling it.
 */
export async function removeTree(path: string): Promise<void> {
  await remove(path, undefined, 0)
}

/** @param top where a directory that is too deep goes: the highest open one. */
async function remove(path: string | Buffer, top: FileHandle | undefined, depth: number): Promise<void> {
  for (let round = 0; round < (top ? MAX_ROUNDS.below : MAX_ROUNDS.top); round += 1) {
    const directory = await openDirectory(path)
    if (!directory) {
      if (await isDone(unlink(path))) return
      continue
    }
    try {
      await empty(directory, top ?? directory, depth)
    } finally {
      await directory.close()
    }
    if (await isDone(rmdir(path))) return
  }
  throw new Error(`${path} can't be removed: something keeps putting files there`)
}

async function empty(directory: FileHandle, top: FileHandle, depth: number): Promise<void> {
  const inside = insideOf(directory)
  // Names are bytes: those that are not UTF-8 would be others as strings.
  const entries = await opendir(inside, { bufferSize: 256, encoding: 'buffer' as BufferEncoding })
  for await (const entry of entries) {
    const child = Buffer.concat([Buffer.from(`${inside}/`), entry.name as unknown as Buffer])
    if (!entry.isDirectory()) await isDone(unlink(child))
    else if (depth < MAX_DEPTH) await remove(child, top, depth + 1)
    // The highest directory is emptied again until nothing is left in it.
    else await isDone(rename(child, `${insideOf(top)}/${randomUUID()}`))
  }
}

/** False when there is something else now than there was: to be looked at again. */
async function isDone(change: Promise<void>): Promise<boolean> {
  try {
    await change
    return true
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (code === 'ENOENT') return true
    if (['EISDIR', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST'].includes(code)) return false
    throw error
  }
}
