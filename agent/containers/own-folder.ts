import { lchown, lstat, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Gives a cell's filestore, or its sessions, to the user of the image that will use it. Walks the files only when the folder itself has
 * another owner: the first time, and when an image with another user takes over. Links are never followed.
 */
export async function ownFolder(path: string, uid: number, gid: number, signal: AbortSignal): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o750 })
  const stat = await lstat(path)
  if (stat.uid === uid && stat.gid === gid) return
  await own(path)
  // Last: a walk that was cut off is begun again.
  await lchown(path, uid, gid)

  async function own(folder: string): Promise<void> {
    signal.throwIfAborted()
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const child = join(folder, entry.name)
      if (entry.isDirectory()) await own(child)
      await lchown(child, uid, gid)
    }
  }
}
