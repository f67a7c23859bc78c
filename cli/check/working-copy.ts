import { realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename } from 'node:path'
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
import { type ListedFile, type Listing, listFiles, walkFiles } from './listed-files.ts'
import { fillScratch } from './scratch.ts'
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
  /** All that is read, of submodules too. */
  readonly listed: readonly ListedFile[]
  /** Plain files, with their sizes. */
  readonly entries: readonly { readonly path: string; readonly sizeBytes: number }[]
  readonly submodules: readonly FoundSubmodule[]
  /** In the index and not in the folder. */
  readonly missing: readonly string[]
  /** How many the folder is not to have. */
  readonly sparse: number
  /** Repositories inside that are no submodules. */
  readonly strangers: readonly string[]
  hasFolder(path: string): boolean
}

export interface Opening {
  readonly git: Git
  /** Where files may be laid out for a moment. */
  readonly scratch: string
  readonly signal: AbortSignal
}

/**
 * Opens the repository that `folder` is in, or the folder alone where it is in none. Nothing is written there: files are laid
 * out elsewhere, and `dispose` takes them away again. Throws what a build would refuse of the files as such: TaskError
 * `path-reserved`, `symlink-escapes`, `repository-too-large`.
 */
export async function openWorkingCopy(
  folder: string,
  { git, scratch, signal }: Opening,
): Promise<WorkingCopy> {
  const line = async (...args: Parameters<Git>[1]) => (await git(folder, args))?.toString().replace(/\n$/, '')
  const isIgnored = (await git(folder, ['check-ignore', '-q', '.'])) !== undefined
  const top = isIgnored ? undefined : await line('rev-parse', '--show-toplevel')
  const root = await realpath(top || folder)
  if (!top) {
    const listing = await walkFiles(root, signal)
    requireSane(listing.files)
    return describe({ root, isGit: false, files: root, remote: '' }, listing, [])
  }
  const remote = (await line('config', '--get', 'remote.origin.url')) ?? ''
  const listing = await listFiles(root, git)
  const found = await findSubmodules(root, listing.submodules, git)
  const own = await withPointers(root, listing.files, git)
  const all = [...own, ...found.flatMap(({ files }) => files)]
  requireSane(all)
  const files = await fillScratch({ own: scratch, elsewhere: tmpdir() }, (to) =>
    layOut(all, root, to, signal),
  )
  const remove = () => rm(files, { recursive: true, force: true })
  try {
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
  listing: Pick<Listing, 'missing' | 'sparse' | 'strangers'> & { files: readonly ListedFile[] },
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
    listed: listing.files,
    entries: plain,
    submodules,
    missing: listing.missing,
    sparse: listing.sparse,
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
