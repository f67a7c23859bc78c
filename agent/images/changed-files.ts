import type { Readable } from 'node:stream'
import { type Extract, extract, type Header, type Pack, pack } from 'tar-stream'
import { TaskError } from '../tasks/task.ts'

/** Of an entry, as tar-stream gives it. */
type Contents = Extract extends AsyncIterable<infer Entry> ? Entry : never

/** As Docker lists them: 0 changed, 1 added, 2 removed. */
export interface FileChange {
  readonly Path: string
  readonly Kind: number
}

// What a run of programs leaves behind, not what was installed; and what Docker itself puts into a container.
const droppedFolders = ['/dev', '/proc', '/sys', '/run', '/tmp', '/var/tmp', '/var/lib/apt/lists']
/** Packages count on their folders here, not on what was in them. */
const emptiedFolders = ['/var/cache', '/var/log']
const droppedFiles = new Set([
  ...['/.dockerenv', '/etc/hosts', '/etc/hostname', '/etc/resolv.conf', '/etc/mtab'],
  ...['/sbin/docker-init', '/usr/sbin/docker-init'],
])

const isBelow = (folders: readonly string[], path: string) =>
  folders.some((folder) => path.startsWith(`${folder}/`))

function isKept(path: string, type: Header['type']): boolean {
  if (droppedFolders.includes(path) || isBelow(droppedFolders, path) || droppedFiles.has(path)) return false
  if (isBelow(emptiedFolders, path)) return type === 'directory'
  return !/^\/var\/lib\/dpkg\/.*-old$/.test(path)
}

/**
 * Of a container's whole file system the files that were changed, as a layer: in the order of the export, which is sorted,
 * without names of owners and extended attributes. Times before `sinceMs` are those that packages gave their files, and
 * stay (Python's caches are compared with them); later ones say when it was made, and are dropped.
 *
 * @param exported a tar of the file system, as Docker exports it.
 */
export function packChanges(exported: Readable, changes: readonly FileChange[], sinceMs: number): Pack {
  const tar = pack()
  write(tar, exported, changes, sinceMs).catch((error: Error) => tar.destroy(error))
  return tar
}

async function write(
  tar: Pack,
  exported: Readable,
  changes: readonly FileChange[],
  sinceMs: number,
): Promise<void> {
  const wanted = new Set(changes.flatMap(({ Kind, Path }) => (Kind === 2 ? [] : [Path])))
  const entries: Extract = extract()
  exported.on('error', (error) => entries.destroy(error)).pipe(entries)
  for await (const entry of entries) {
    const { header } = entry
    const path = `/${header.name.replace(/^\.?\//, '').replace(/\/$/, '')}`
    if (wanted.has(path) && isKept(path, header.type)) {
      if (header.type === 'link') requireTarget(header, wanted)
      await copy(tar, normalized(header, path.slice(1), sinceMs), entry)
    } else entry.resume()
  }
  writeWhiteouts(tar, changes)
  tar.finalize()
}

function normalized(header: Header, name: string, sinceMs: number) {
  const time = header.mtime?.getTime() ?? 0
  return {
    name: header.type === 'directory' ? `${name}/` : name,
    type: header.type,
    size: header.size,
    mode: header.mode,
    uid: header.uid,
    gid: header.gid,
    uname: '',
    gname: '',
    mtime: new Date(time < sinceMs ? Math.floor(time / 1000) * 1000 : 0),
    ...(header.linkname != null && { linkname: header.linkname }),
    ...(header.devmajor !== undefined && { devmajor: header.devmajor, devminor: header.devminor }),
  }
}

/** A second name of a file whose contents are not in the layer would lead nowhere. */
function requireTarget({ name, linkname }: Header, wanted: ReadonlySet<string>): void {
  const target = `/${(linkname ?? '').replace(/^\.?\//, '')}`
  if (!wanted.has(target) || !isKept(target, 'file'))
    throw new TaskError('image-build-failed', `${name} is another name of ${target}, which was not installed`)
}

function copy(tar: Pack, header: ReturnType<typeof normalized>, contents: Contents): Promise<void> {
  return new Promise((resolve, reject) => {
    const entry = tar.entry(header, (error) => (error ? reject(error) : resolve()))
    if (header.type !== 'file' && header.type !== 'contiguous-file') {
      contents.resume()
      return
    }
    contents.on('error', reject).pipe(entry)
  })
}

/** What was removed of the image below, as layers say it; of a folder the folder alone. */
function writeWhiteouts(tar: Pack, changes: readonly FileChange[]): void {
  const gone = new Set(changes.flatMap(({ Kind, Path }) => (Kind === 2 ? [Path] : [])))
  for (const path of [...gone].sort()) {
    const at = path.lastIndexOf('/')
    if (gone.has(path.slice(0, at)) || !isKept(path, 'file')) continue
    const name = `${path.slice(1, at + 1)}.wh.${path.slice(at + 1)}`
    tar.entry({ name, mode: 0o644, size: 0, uid: 0, gid: 0, mtime: new Date(0) }, '')
  }
}
