import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { lstatIfThere } from '../../../lib/files/lstat-if-there.ts'
import { TaskError } from '../../tasks/task.ts'

/** What git reads of a repository. Its hooks may be anything, as none of them runs. */
const readByGit = ['HEAD', 'config', 'packed-refs', 'shallow', 'info', 'refs', 'reftable', 'objects']

/** Of files, all loose objects among them; more than ten times what git itself leaves before it packs them. */
const maxEntries = 100_000

/** Throws TaskError `repository-unsafe`, and `repository-too-large` of more files than are looked at. */
export interface Ownership {
  requireRepository(gitDir: string): Promise<void>
  /** Of a folder of objects that it borrows from. */
  requireObjects(objects: string): Promise<void>
}

/**
 * Whatever is in a repository its owner put there: it is read with the owner's rights, and who else could lay a pack or a link
 * into it would get what the owner may read and they may not.
 */
export function createOwnership(url: string, uid: number): Ownership {
  let seen = 0
  /** `name` is what it is called within the repository. Of a directory, what `names` has, or all. */
  async function walk(name: string, path: string, names?: readonly string[]): Promise<void> {
    const found = await lstatIfThere(path)
    // A repository in use: what was packed meanwhile is gone.
    if (!found) return
    if (++seen > maxEntries) throw tooMany(url)
    if (found.uid !== uid || !(found.isDirectory() || found.isFile()))
      throw foreign(url, name.split('/', 1)[0] || 'its folder')
    if ((found.mode & 0o002) !== 0) throw openToAll(url)
    if (!found.isDirectory()) return
    for await (const each of names ?? listNames(path))
      await walk(name ? `${name}/${each}` : each, join(path, each))
  }
  return {
    requireRepository: (gitDir) => walk('', gitDir, readByGit),
    requireObjects: (objects) => walk('objects', objects),
  }
}

async function* listNames(directory: string): AsyncGenerator<string> {
  const entries = await opendir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  for await (const { name } of entries) yield name
}

export const openToAll = (url: string) =>
  new TaskError(
    'repository-unsafe',
    `${url} is refused, because everybody on the host may write to it or to a folder above it: take that from them (chmod -R o-w)`,
  )

/** Named by what git calls it, and not by what somebody does. */
const foreign = (url: string, part: string) =>
  new TaskError(
    'repository-unsafe',
    `${url} is refused, because something of it (${part}) is a link, or belongs to another account than the rest: give all of it ` +
      'to the one account that is pushed to (chown -R git:), and replace links by what they lead to',
  )

const tooMany = (url: string) =>
  new TaskError(
    'repository-too-large',
    `${url} has more than ${maxEntries} files: let its owner pack it (git gc, git pack-refs --all)`,
  )
