import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { tooLarge } from '../../lib/repository/tree/limits.ts'
import { type Git, splitZero } from './git.ts'

/** A file or symbolic link that a push would take along, or may. Names are bytes: git keeps any. */
export interface ListedFile {
  /** In the folder that was asked about. */
  readonly name: Buffer
  readonly kind: 'file' | 'link'
  readonly sizeBytes: number
  /** Of the index; undefined for one that is new. */
  readonly blob: string | undefined
  /** What git keeps, where the folder shows something else. */
  readonly content?: Uint8Array
  /** Git rewrites it on its way into the index, by what nobody runs here. */
  readonly isRewritten?: boolean
}

export interface ListedSubmodule {
  readonly path: string
  /** What the index pins. */
  readonly commit: string
}

export interface Listing {
  readonly files: ListedFile[]
  readonly submodules: ListedSubmodule[]
  /** Of the index, and not there. */
  readonly missing: string[]
  /** How many of the index are left out of the folder: `git sparse-checkout`. */
  sparse: number
  /** Repositories inside that are no submodules: git pushes none of them. */
  readonly strangers: string[]
}

const mostFiles = 200_000
const atOnce = 64

interface Named {
  readonly name: Buffer
  readonly blob: string | undefined
  readonly isSparse: boolean
}

/** Tracked files, and new ones that are not ignored, as they are in the folder. Nothing is followed out of it. */
export async function listFiles(folder: string, git: Git): Promise<Listing> {
  const [tracked, added] = await Promise.all([
    git(folder, ['ls-files', '-z', '-t', '--stage']),
    git(folder, ['ls-files', '-z', '--others', '--exclude-standard']),
  ])
  const listing: Listing = { files: [], submodules: [], missing: [], sparse: 0, strangers: [] }
  const names: Named[] = []
  for (const entry of splitZero(tracked ?? Buffer.alloc(0))) {
    const tab = entry.indexOf(9)
    const [tag, mode = '', blob = '', stage] = entry.toString('latin1', 0, tab).split(' ')
    const name = entry.subarray(tab + 1)
    if (mode === '160000') listing.submodules.push({ path: name.toString(), commit: blob })
    // Of a conflict: what is in the folder is read once.
    else if (stage === '0' || stage === '2') names.push({ name, blob, isSparse: tag === 'S' })
  }
  for (const name of splitZero(added ?? Buffer.alloc(0)))
    if (name.at(-1) === 47) listing.strangers.push(name.subarray(0, -1).toString())
    else names.push({ name, blob: undefined, isSparse: false })
  if (names.length > mostFiles) throw tooLarge(`${names.length} files`)
  const isFolder = createFolderTest(folder)
  for (let at = 0; at < names.length; at += atOnce) {
    const some = names.slice(at, at + atOnce)
    const found = await Promise.all(some.map((one) => look(folder, one, isFolder)))
    for (const [index, one] of found.entries()) {
      const { name, blob, isSparse } = some[index]!
      if (one) listing.files.push(one)
      else if (isSparse) listing.sparse++
      else if (blob !== undefined) listing.missing.push(name.toString())
    }
  }
  return listing
}

async function look(
  folder: string,
  { name, blob }: Named,
  isFolder: (name: Buffer) => Promise<boolean>,
): Promise<ListedFile | undefined> {
  const slash = name.lastIndexOf(47)
  // Where a link stands in place of a folder, what is behind it is none of the repository's.
  if (slash > 0 && !(await isFolder(name.subarray(0, slash)))) return undefined
  const stat = await lstat(pathOf(folder, name)).catch(ifGone)
  if (stat?.isFile()) return { name, kind: 'file', sizeBytes: stat.size, blob }
  if (stat?.isSymbolicLink()) return { name, kind: 'link', sizeBytes: stat.size, blob }
  return undefined
}

/** Whether a name is that of a folder, and so are all above it; each is looked at once. */
function createFolderTest(root: string): (name: Buffer) => Promise<boolean> {
  const known = new Map<string, Promise<boolean>>()
  const test = (name: Buffer): Promise<boolean> => {
    const key = name.toString('latin1')
    const answer = known.get(key) ?? lookAt(name)
    known.set(key, answer)
    return answer
  }
  async function lookAt(name: Buffer): Promise<boolean> {
    const slash = name.lastIndexOf(47)
    if (slash > 0 && !(await test(name.subarray(0, slash)))) return false
    return (await lstat(pathOf(root, name)).catch(ifGone))?.isDirectory() ?? false
  }
  return test
}

export const pathOf = (root: string, name: Buffer): Buffer => Buffer.concat([Buffer.from(`${root}/`), name])

export function ifGone(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
  throw error
}

/** All files of a folder that is no working copy. */
export async function walkFiles(root: string, signal: AbortSignal): Promise<Listing> {
  const listing: Listing = { files: [], submodules: [], missing: [], sparse: 0, strangers: [] }
  const pending: Buffer[] = [Buffer.alloc(0)]
  for (let folder = pending.pop(); folder; folder = pending.pop()) {
    signal.throwIfAborted()
    const prefix = folder.length > 0 ? Buffer.concat([folder, Buffer.from('/')]) : folder
    const at = folder.length > 0 ? pathOf(root, folder) : join(root)
    const listed = readdir(at, { encoding: 'buffer', withFileTypes: true })
    // What others take away meanwhile is not there.
    const entries = (await listed.catch(folder.length > 0 ? ifGone : undefined)) ?? []
    for (const entry of entries) {
      const name = Buffer.concat([prefix, entry.name])
      if (entry.isDirectory()) {
        if (entry.name.toString() !== '.git') pending.push(name)
      } else if (entry.isFile() || entry.isSymbolicLink()) {
        const size = (await lstat(pathOf(root, name)).catch(ifGone))?.size
        if (size === undefined) continue
        const kind = entry.isFile() ? 'file' : 'link'
        listing.files.push({ name, kind, sizeBytes: size, blob: undefined })
      }
      if (listing.files.length + pending.length > mostFiles) throw tooLarge(`more than ${mostFiles} files`)
    }
  }
  return listing
}
