import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TaskError } from '../faults/task-error.ts'
import { isPointer, pointerFault } from '../files/lfs-pointer.ts'
import { lstatIfThere } from '../files/lstat-if-there.ts'

/**
 * A text file of a checked-out repository; undefined where there is none. No symbolic link is followed, in none of the
 * path's folders. Throws TaskError with `reason` for what is no plain file, is larger than `maxBytes` or no UTF-8.
 */
export async function readRepositoryFile(
  root: string,
  path: string,
  { reason, maxBytes }: { reason: string; maxBytes: number },
): Promise<string | undefined> {
  const parts = path.split('/')
  for (let length = 1; length < parts.length; length++) {
    const folder = await lstatIfThere(join(root, ...parts.slice(0, length)))
    if (!folder?.isDirectory()) return undefined
  }
  const file = join(root, path)
  const stat = await lstatIfThere(file)
  if (!stat) return undefined
  if (!stat.isFile()) throw new TaskError(reason, `${path} is not a plain file: put one there`)
  if (stat.size > maxBytes) throw new TaskError(reason, `${path} is larger than ${maxBytes / 1024} KiB`)
  const content = await readFile(file)
  if (isPointer(content)) throw new TaskError(reason, `${path} ${pointerFault}`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new TaskError(reason, `${path} is not valid UTF-8: save it so`, { cause: error })
  }
}
