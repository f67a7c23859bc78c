import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { type Pack, pack } from 'tar-stream'

/** Of a file in a tarball: its text, or the file on disk that it is. */
export type Source = { readonly text: string; readonly executable?: boolean } | { readonly file: string }

/** Path in the tarball, and what is there. */
export type Contents = ReadonlyMap<string, Source>

export interface Tarball {
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
}

/** As npm dates what it packs: no file's own time gets into an artefact. */
const fixed = { uid: 0, gid: 0, mtime: new Date('1985-10-26T08:15:00Z') }

/**
 * Writes a `.tar.gz` of which every byte is by the contents: sorted, and of a file's owner, times and mode nothing but whether
 * it is a program. Symbolic links stay links. Folders are in it too: one that tar has to think of itself has the mode that the
 * umask of whoever unpacks leaves it, and a server that is not root then does not get in.
 */
export async function writeTarball(path: string, contents: Contents): Promise<Tarball> {
  const tar = pack()
  const hash = createHash('sha256')
  let sizeBytes = 0
  const counted = new PassThrough().on('data', (chunk: Buffer) => {
    hash.update(chunk)
    sizeBytes += chunk.byteLength
  })
  addAll(tar, contents).catch((error: Error) => tar.destroy(error))
  // It is one, and its types do not say so.
  const packed = tar as unknown as AsyncIterable<Uint8Array>
  await pipeline(packed, createGzip({ level: 6 }), counted, createWriteStream(path))
  return { path, sizeBytes, sha256: hash.digest('hex') }
}

async function addAll(tar: Pack, contents: Contents): Promise<void> {
  const folders = new Set<string>()
  for (const name of [...contents.keys()].toSorted()) {
    for (const folder of foldersOf(name)) {
      if (folders.has(folder)) continue
      folders.add(folder)
      tar.entry({ ...fixed, name: `${folder}/`, mode: 0o755, type: 'directory' })
    }
    await add(tar, name, contents.get(name)!)
  }
  tar.finalize()
}

/** Of `a/b/c`: `a` and `a/b`. */
function foldersOf(name: string): string[] {
  const parts = name.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

async function add(tar: Pack, name: string, source: Source): Promise<void> {
  if ('text' in source)
    return void tar.entry({ ...fixed, name, mode: source.executable ? 0o755 : 0o644 }, source.text)
  const { file } = source
  const stat = await lstat(file)
  if (stat.isSymbolicLink())
    return void tar.entry({ ...fixed, name, mode: 0o777, type: 'symlink', linkname: await readlink(file) })
  const mode = stat.mode & 0o100 ? 0o755 : 0o644
  await new Promise<void>((resolve, reject) => {
    const entry = tar.entry({ ...fixed, name, mode, size: stat.size }, (error) =>
      error ? reject(error) : resolve(),
    )
    createReadStream(file).on('error', reject).pipe(entry)
  })
}

/** All files below a folder as contents below `name`. `keep` is asked for each path below the folder. */
export async function listFolder(
  folder: string,
  name: string,
  keep: (path: string) => boolean = () => true,
): Promise<Map<string, Source>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = found.filter((entry) => !entry.isDirectory())
  const paths = files.map((entry) => relative(folder, join(entry.parentPath, entry.name)))
  return new Map(paths.filter(keep).map((path) => [`${name}/${path}`, { file: join(folder, path) }] as const))
}
