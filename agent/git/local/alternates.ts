import { readFile, realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { lstatIfThere } from '../../../lib/files/lstat-if-there.ts'
import { TaskError } from '../../tasks/task.ts'

/** As git itself (`link_alt_odb_entry` in its object-file.c). */
const maxDepth = 5
const maxBytes = 64 * 1024

export interface Lenders {
  isAllowed(path: string): boolean
  /** Rejects where anything among those objects is somebody else's than the borrower's. */
  requireObjects(objects: string): Promise<void>
}

/**
 * A repository may borrow the objects of others by their paths (`objects/info/alternates`): then those are read as well.
 * Throws TaskError `repository-unsafe` unless all that it borrows from `isAllowed`, and what `requireObjects` throws.
 */
export async function requireInside(
  url: string,
  gitDir: string,
  { isAllowed, requireObjects }: Lenders,
): Promise<void> {
  const look = async (objects: string, depth: number): Promise<void> => {
    for (const named of await readAlternates(url, objects)) {
      const real = await realpath(named).catch(() => undefined)
      // Git goes on without one that is not there.
      if (real === undefined && isAllowed(named)) continue
      if (real === undefined || !isAllowed(real) || depth === maxDepth) throw borrows(url)
      await requireObjects(real)
      await look(real, depth + 1)
    }
  }
  await look(join(gitDir, 'objects'), 0)
}

async function readAlternates(url: string, objects: string): Promise<string[]> {
  const file = join(objects, 'info', 'alternates')
  const found = await lstatIfThere(file)
  if (!found) return []
  if (!found.isFile() || found.size > maxBytes) throw borrows(url)
  const lines = (await readFile(file, 'utf8'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  // Quoted as in C: what that would be need not be known.
  if (lines.some((line) => line.startsWith('"'))) throw borrows(url)
  return lines.map((line) => resolve(objects, line))
}

const borrows = (url: string) =>
  new TaskError(
    'repository-unsafe',
    `${url} borrows objects of a repository beyond the folders that may be read (objects/info/alternates): make it whole with ` +
      'git repack -a -d, and remove that file',
  )
