import { readdir, readlink, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { type Pack, pack } from 'tar-stream'
import { leadsInside } from '../../lib/files/leads-inside.ts'
import { openPlainFile, withDirectory } from '../storage/tree/unfollowed.ts'
import { TaskError } from '../tasks/task.ts'

export interface LayerFolder {
  /** Folder on this host, whose parent may belong to code that ran in a container: a link in its place is refused. */
  directory: string
  /** Where the image has it, without a leading slash; empty: the image's root. */
  target: string
  /** Names at its top that the image does not get. */
  without?: readonly string[]
}

// Everything that is not content is fixed: the same files give the same bytes.
const fixed = { mtime: new Date(0), uid: 0, gid: 0, uname: '', gname: '' }

/**
 * Folders as a layer of an image, a tar stream: sorted, with fixed times, owners and modes, the folders above them
 * included. Links that lead out of their folder are refused (TaskError `symlink-escapes`). A fault destroys the stream
 * with it.
 */
export function packLayer(folders: readonly LayerFolder[], signal: AbortSignal): Pack {
  const tar = pack()
  writeLayer(tar, folders, signal).catch((error: Error) => tar.destroy(error))
  return tar
}

async function writeLayer(tar: Pack, folders: readonly LayerFolder[], signal: AbortSignal): Promise<void> {
  const above = new Set(folders.flatMap(({ target }) => parentsOf(target)))
  for (const name of [...above].sort(compare)) writeDirectory(tar, name)
  for (const { directory, target, without } of folders.toSorted((a, b) => compare(a.target, b.target)))
    await withDirectory(directory, async (inside) =>
      writeFolder(tar, inside, await realpath(inside), target, signal, without),
    )
  tar.finalize()
}

/** `a/b/c` → a, a/b */
function parentsOf(path: string): string[] {
  const parts = path.split('/').filter(Boolean)
  return parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1).join('/'))
}

function writeDirectory(tar: Pack, name: string): void {
  tar.entry({ ...fixed, name: `${name}/`, type: 'directory', mode: 0o755 })
}

async function writeFolder(
  tar: Pack,
  folder: string,
  root: string,
  target: string,
  signal: AbortSignal,
  without: readonly string[] = [],
): Promise<void> {
  signal.throwIfAborted()
  if (target !== '') writeDirectory(tar, target)
  const entries = await readdir(folder, { withFileTypes: true })
  for (const entry of entries.sort((a, b) => compare(a.name, b.name))) {
    if (without.includes(entry.name)) continue
    const path = join(folder, entry.name)
    const name = target === '' ? entry.name : `${target}/${entry.name}`
    if (entry.isDirectory())
      await withDirectory(path, (inside) => writeFolder(tar, inside, root, name, signal))
    else if (entry.isSymbolicLink()) await writeLink(tar, path, root, name)
    else if (entry.isFile()) await writeFile(tar, path, name)
  }
}

async function writeFile(tar: Pack, path: string, name: string): Promise<void> {
  const file = await openPlainFile(path)
  if (!file) throw new Error(`${name} is no plain file any more`)
  try {
    const { size, mode } = await file.stat()
    const entry = tar.entry({ ...fixed, name, size, mode: (mode & 0o100) === 0 ? 0o644 : 0o755 })
    if (size === 0) entry.end(Buffer.alloc(0))
    else {
      file
        .createReadStream({ autoClose: false, end: size - 1 })
        .on('error', (error) => entry.destroy(error))
        .pipe(entry)
    }
    await finished(entry)
  } finally {
    await file.close()
  }
}

async function writeLink(tar: Pack, path: string, root: string, name: string): Promise<void> {
  if (!(await leadsInside(path, root)))
    throw new TaskError(
      'symlink-escapes',
      `${name.replace(/^.*extra-addons\//, '')} is a symbolic link that leads out of its addon, or nowhere: put a file there`,
    )
  tar.entry({ ...fixed, name, type: 'symlink', linkname: await readlink(path), mode: 0o777 })
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
