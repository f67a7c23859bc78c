import { lstat, readlink, realpath } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { TaskError } from '../../faults/task-error.ts'

/** @throws TaskError `symlink-escapes` for a link of `directory` that leads out of it. */
export async function refuseEscapingLinks(directory: string, links: readonly string[]): Promise<void> {
  const root = await realpath(directory)
  const inside = (path: string) => path === root || path.startsWith(`${root}/`)
  for (const link of links) {
    const path = join(root, link)
    if (!(await lstat(path)).isSymbolicLink()) continue
    const lexical = resolve(dirname(path), await readlink(path))
    const real = await realpath(path).catch((error: NodeJS.ErrnoException) => {
      // Leads nowhere: harmless as long as it leads nowhere inside.
      if (error.code === 'ENOENT' || error.code === 'ELOOP' || error.code === 'ENOTDIR') return lexical
      throw error
    })
    if (!inside(lexical) || !inside(real))
      throw new TaskError(
        'symlink-escapes',
        `${link} is a symbolic link that leads out of the repository: put there what it leads to`,
      )
  }
}
