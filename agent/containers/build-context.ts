import { createReadStream } from 'node:fs'
import { lstat, readdir, readlink, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { type Pack, pack } from 'tar-stream'
import { TaskError } from '../tasks/task.ts'

export interface ContextAddon {
  name: string
  /** Folder on this host. */
  directory: string
}

// Everything that is not content is fixed: the same addons give the same bytes.
const fixed = { mtime: new Date(0), uid: 0, gid: 0, uname: '', gname: '' }

/**
 * The build context as a tar stream: the Dockerfile and `addons/<name>/…`, sorted, with fixed times, owners and modes.
 * Links that lead out of their addon are refused (TaskError `symlink-escapes`). A fault destroys the stream with it.
 */
export function packContext(dockerfile: string, addons: readonly ContextAddon[], signal: AbortSignal): Pack {
  const tar = pack()
  writeAll(tar, dockerfile, addons, signal).catch((error: Error) => tar.destroy(error))
  return tar
}

async function writeAll(
  tar: Pack,
  dockerfile: string,
  addons: readonly ContextAddon[],
  signal: AbortSignal,
): Promise<void> {
  tar.entry({ ...fixed, name: 'Dockerfile', mode: 0o644 }, dockerfile)
  if (addons.length > 0) tar.entry({ ...fixed, name: 'addons/', type: 'directory', mode: 0o755 })
  for (const { name, directory } of addons.toSorted((a, b) => compare(a.name, b.name)))
    await writeFolder(tar, directory, await realpath(directory), `addons/${name}`, signal)
  tar.finalize()
}

async function writeFolder(
  tar: Pack,
  folder: string,
  root: string,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  tar.entry({ ...fixed, name: `${target}/`, type: 'directory', mode: 0o755 })
  const entries = await readdir(folder, { withFileTypes: true })
  for (const entry of entries.sort((a, b) => compare(a.name, b.name))) {
    const path = join(folder, entry.name)
    const name = `${target}/${entry.name}`
    if (entry.isDirectory()) await writeFolder(tar, path, root, name, signal)
    else if (entry.isSymbolicLink()) await writeLink(tar, path, root, name)
    else if (entry.isFile()) await writeFile(tar, path, name)
  }
}

async function writeFile(tar: Pack, path: string, name: string): Promise<void> {
  const stat = await lstat(path)
  const mode = (stat.mode & 0o100) === 0 ? 0o644 : 0o755
  const entry = tar.entry({ ...fixed, name, size: stat.size, mode })
  createReadStream(path)
    .on('error', (error) => entry.destroy(error))
    .pipe(entry)
  await finished(entry)
}

async function writeLink(tar: Pack, path: string, root: string, name: string): Promise<void> {
  const real = await realpath(path).catch((error: NodeJS.ErrnoException) => {
    if (['ENOENT', 'ELOOP', 'ENOTDIR'].includes(error.code ?? '')) return undefined
    throw error
  })
  const linkname = await readlink(path)
  if (!real?.startsWith(`${root}/`) || linkname.startsWith('/'))
    throw new TaskError(
      'symlink-escapes',
      `${name.replace(/^addons\//, '')} is a symbolic link that leads out of its addon, or nowhere: put a file there`,
    )
  tar.entry({ ...fixed, name, type: 'symlink', linkname, mode: 0o777 })
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
