import { type FileHandle, lchown, mkdir, opendir } from 'node:fs/promises'
import { insideOf, openDirectory, withDirectory } from './unfollowed.ts'

/** A tree that is deeper was made to be: the walk ends, and the folder is not used. */
const MAX_DEPTH = 256

/**
 * Gives a cell's filestore, or its sessions, to the user of the image that will use it. Walks the files only when the
 * folder itself has another owner: the first time, and when an image with another user takes over. What is in it may be
 * changed by containers at the same time: links get another owner and are never followed.
 *
 * @param path whose parent is ours.
 */
export async function ownTree(path: string, uid: number, gid: number, signal: AbortSignal): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o750 })
  await withDirectory(path, async (_, folder) => {
    const stat = await folder.stat()
    if (stat.uid === uid && stat.gid === gid) return
    await own(folder, 0)
    // Last: a walk that was cut off is begun again.
    await folder.chown(uid, gid)
  })

  async function own(folder: FileHandle, depth: number): Promise<void> {
    if (depth > MAX_DEPTH) throw new Error(`directories are nested too deeply in ${path}`)
    const inside = insideOf(folder)
    for await (const entry of await opendir(inside, { bufferSize: 256 })) {
      signal.throwIfAborted()
      const child = `${inside}/${entry.name}`
      if (entry.isDirectory()) await ownDirectory(child, depth + 1)
      else await ignoreGone(lchown(child, uid, gid))
    }
  }

  async function ownDirectory(child: string, depth: number): Promise<void> {
    const directory = await openDirectory(child)
    if (!directory) return
    try {
      await own(directory, depth)
      await directory.chown(uid, gid)
    } finally {
      await directory.close()
    }
  }
}

async function ignoreGone(change: Promise<void>): Promise<void> {
  await change.catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}
