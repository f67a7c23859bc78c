import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, realpath, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { nameOf } from '../../lib/repository/sources/declaration.ts'
import { refuseReserved } from '../../lib/repository/sources/source-names.ts'
import { refuseEscapingLinks } from '../../lib/repository/tree/escaping-links.ts'
import { findPointers } from '../../lib/repository/tree/lfs-pointers.ts'
import { requireSaneTree } from '../../lib/repository/tree/limits.ts'
import { type OddName, replaced, showBytes } from '../../lib/repository/tree/odd-names.ts'
import type { AssembledFiles } from '../../lib/resolve/assembled-files.ts'
import type { Git } from './git.ts'
import { withPointers } from './kept-by-lfs.ts'
import { layOut } from './lay-out.ts'
import { type ListedFile, listFiles, walkFiles } from './listed-files.ts'
import { type FoundSubmodule, findSubmodules } from './submodules.ts'

/** What would be pushed from a folder, as files that are read like a commit's. */
export interface WorkingCopy extends AsyncDisposable {
  /** Top of the repository, or the folder that is none. */
  readonly root: string
  /** Whether git says what belongs to it. */
  readonly isGit: boolean
  /** Where its files are to be read. */
  readonly files: string
  /** Address of the remote `origin`; empty where there is none. */
  readonly remote: string
  /** What the repository is called. */
  readonly name: string
  readonly assembly: AssembledFiles
  /** Plain files, with their sizes. */
  readonly entries: readonly { readonly path: string; readonly sizeBytes: number }[]
  readonly submodules: readonly FoundSubmodule[]
  /** In the index and not in the folder. */
  readonly missing: number
  /** Repositories inside that are no submodules. */
  readonly strangers: readonly string[]
  hasFolder(path: string): boolean
}

/**
 * Opens the repository that `folder` is in, or the folder alone where it is in none. Files are laid out beside git's own, so
 * that they are not copied; `dispose` takes them away again. Throws what a build would refuse of the files as such: TaskError
 * `path-reserved`, `symlink-escapes`, `repository-too-large`.
 */
export async function openWorkingCopy(folder: string, git: Git, signal: AbortSignal): Promise<WorkingCopy> {
  const line = async (...args: string[]) => (await git(folder, args))?.toString().replace(/\n$/, '')
  const isIgnored = (await git(folder, ['check-ignore', '-q', '.'])) !== undefined
  const top = isIgnored ? undefined : await line('rev-parse', '--show-toplevel')
  const root = await realpath(top || folder)
  if (!top) {
    const listing = await walkFiles(root, signal)
    requireSane(listing.files)
    return describe({ root, isGit: false, files: root, remote: '' }, listing, [])
  }
  const remote = (await line('config', '--get', 'remote.origin.url')) ?? ''
  const gitDir = (await line('rev-parse', '--absolute-git-dir')) ?? tmpdir()
  const listing = await listFiles(root, git)
  const found = await findSubmodules(root, listing.submodules, git)
  const own = await withPointers(root, listing.files, git)
  const all = [...own, ...found.flatMap(({ files }) => files)]
  requireSane(all)
  const place = await makePlace(gitDir)
  const remove = () => rm(place, { recursive: true, force: true })
  try {
    const files = join(place, 'files')
    await layOut(all, root, files, signal)
    const opened = await describe({ root, isGit: true, files, remote }, { ...listing, files: all }, found)
    return { ...opened, [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

const requireSane = (files: readonly ListedFile[]) =>
  requireSaneTree(files.map(({ name, sizeBytes }) => ({ path: name.toString(), sizeBytes })))

async function describe(
  { root, isGit, files, remote }: Pick<WorkingCopy, 'root' | 'isGit' | 'files' | 'remote'>,
  listing: { files: readonly ListedFile[]; missing: number; strangers: readonly string[] },
  submodules: readonly FoundSubmodule[],
): Promise<WorkingCopy> {
  const named = listing.files.map((file) => ({ ...file, path: file.name.toString() }))
  const plain = named.filter(({ kind }) => kind === 'file')
  await refuseReserved(files)
  const links = named.filter(({ kind }) => kind === 'link').map(({ path }) => path)
  await refuseEscapingLinks(
    files,
    links.filter((path) => !path.includes(replaced)),
  )
  const blobs = plain.map(({ kind, path, sizeBytes }) => ({ kind, path, sizeBytes, id: path }))
  const pointers = await findPointers(files, blobs, '')
  const folders = new Set(named.flatMap(({ path }) => [...foldersOf(path)]))
  const odd = listing.files.flatMap(({ name }) => oddName(name) ?? [])
  return {
    root,
    isGit,
    files,
    remote,
    name: nameOf(remote) || basename(root),
    entries: plain,
    submodules,
    missing: listing.missing,
    strangers: listing.strangers,
    hasFolder: (path) => folders.has(path),
    assembly: { placed: [], oddNames: () => odd, lfsPointers: () => pointers, links: () => links },
    [Symbol.asyncDispose]: async () => undefined,
  }
}

function* foldersOf(path: string): Generator<string> {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
    yield path.slice(0, end)
}

function oddName(name: Buffer): OddName | undefined {
  const path = name.toString()
  return Buffer.from(path).equals(name) ? undefined : { path, shown: showBytes(name) }
}

/** Beside git's own files, where a file can have a second name; what a former check left there goes. */
async function makePlace(gitDir: string): Promise<string> {
  const place = join(gitDir, `${prefix}${randomUUID()}`)
  try {
    await removeLeftovers(gitDir)
    await mkdir(place)
    return place
  } catch (error) {
    if (!['EACCES', 'EROFS', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    return await mkdtemp(join(tmpdir(), prefix))
  }
}

const prefix = 'fairway-check-'
const leftAfterMs = 3_600_000

async function removeLeftovers(gitDir: string): Promise<void> {
  for (const name of await readdir(gitDir)) {
    if (!name.startsWith(prefix)) continue
    const { mtimeMs } = await stat(join(gitDir, name))
    if (Date.now() - mtimeMs > leftAfterMs) await rm(join(gitDir, name), { recursive: true, force: true })
  }
}
