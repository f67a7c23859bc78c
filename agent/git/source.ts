import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { refuseEscapingLinks } from '../../lib/repository/tree/escaping-links.ts'
import { findPointers } from '../../lib/repository/tree/lfs-pointers.ts'
import type { OddName } from '../../lib/repository/tree/odd-names.ts'
import { TaskError } from '../tasks/task.ts'
import type { CommitWanted, DescribedCommit, FetchedCommit, Mirrors } from './mirrors.ts'
import { listOddNames } from './odd-files.ts'
import { listSubmodules } from './submodules.ts'
import { listTree } from './tree.ts'

export interface CheckedOutSubmodule {
  /** Inside the repository. */
  path: string
  url: string
  commit: string
}

/** A commit and its submodules, as files on disk and as git ids. */
export interface Source extends DescribedCommit {
  submodules: CheckedOutSubmodule[]
  /** Files and folders whose names are not UTF-8. */
  oddNames: OddName[]
  /** Files that are pointers of Git LFS. */
  lfsPointers: string[]
  /** Symbolic links, none of which leads out of the repository. */
  links: string[]
  /** Tree id of a folder, submodules included; undefined when there is no such folder. */
  findTreeId(path: string): string | undefined
}

const maxDepth = 5
const maxSubmodules = 200

/**
 * Puts a commit's files, with those of its submodules, into the empty directory `directory`, byte for byte as they
 * were committed. Nothing of the repository is run: no hooks, filters or attributes. Symbolic links may only lead to
 * places inside (TaskError `symlink-escapes`). `onCommit` is told which commit it is as soon as that is here.
 */
export async function checkoutSource(
  mirrors: Mirrors,
  url: string,
  wanted: CommitWanted,
  directory: string,
  signal: AbortSignal,
  onCommit?: (commit: DescribedCommit) => void,
): Promise<Source> {
  const root = await mirrors.fetch(url, wanted, signal)
  if (onCommit) onCommit(await describeCommit(mirrors, root, signal))
  // Beside the checked-out directory, never among files of a repository; there only while it is needed.
  return checkoutCommit(mirrors, root, { directory, indexFile: `${directory}.index` }, wanted.onLine, signal)
}

/** The same for a commit that is here already. */
export async function checkoutCommit(
  mirrors: Mirrors,
  root: FetchedCommit,
  { directory, indexFile }: { directory: string; indexFile: string },
  onLine: CommitWanted['onLine'],
  signal: AbortSignal,
): Promise<Source> {
  const treeIds = new Map<string, string>()
  const submodules: CheckedOutSubmodule[] = []
  const symbolic: string[] = []
  const oddNames: OddName[] = []
  const lfsPointers: string[] = []

  async function place(source: FetchedCommit, prefix: string, depth: number): Promise<void> {
    const entries = await listTree(mirrors.git, source, signal)
    for (const entry of entries) {
      if (entry.kind === 'tree') treeIds.set(prefix + entry.path, entry.id)
      if (entry.kind === 'symlink') symbolic.push(prefix + entry.path)
    }
    await checkoutFiles(mirrors, source, join(directory, prefix), indexFile, signal)
    oddNames.push(...(await listOddNames(mirrors.git, source, entries, prefix, signal)))
    lfsPointers.push(...(await findPointers(directory, entries, prefix)))
    const links = await listSubmodules(mirrors.git, source, entries, mirrors.protocols, signal)
    if (links.length > 0 && depth === maxDepth)
      throw new TaskError(
        'submodule-invalid',
        `submodules are nested deeper than ${maxDepth} levels at ${prefix}`,
      )
    for (const link of links) {
      const path = prefix + link.path
      submodules.push({ path, url: link.url, commit: link.commit })
      if (submodules.length > maxSubmodules)
        throw new TaskError('submodule-invalid', `more than ${maxSubmodules} submodules`)
      const fetched = await fetchSubmodule(mirrors, link.url, path, link.commit, onLine, signal)
      treeIds.set(path, (await describeCommit(mirrors, fetched, signal)).treeId)
      await place(fetched, `${path}/`, depth + 1)
    }
  }

  await place(root, '', 0)
  await refuseEscapingLinks(directory, symbolic)
  const described = await describeCommit(mirrors, root, signal)
  treeIds.set('', described.treeId)
  return {
    ...described,
    submodules,
    oddNames,
    lfsPointers,
    links: symbolic,
    findTreeId: (path) => treeIds.get(path),
  }
}

async function fetchSubmodule(
  mirrors: Mirrors,
  url: string,
  path: string,
  commit: string,
  onLine: CommitWanted['onLine'],
  signal: AbortSignal,
): Promise<FetchedCommit> {
  try {
    return await mirrors.fetch(url, { commit, branch: '', onLine }, signal)
  } catch (error) {
    if (!(error instanceof TaskError)) throw error
    throw new TaskError(error.reason, `submodule ${path}: ${error.message}`, { cause: error })
  }
}

async function checkoutFiles(
  mirrors: Mirrors,
  source: FetchedCommit,
  workTree: string,
  indexFile: string,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(workTree, { recursive: true })
  const options = { gitDir: source.gitDir, workTree, indexFile, signal, timeoutMs: 10 * 60_000 }
  try {
    await mirrors.git(['read-tree', source.commit], options)
    await mirrors.git(['checkout-index', '--all', '--force', '--quiet'], options)
  } finally {
    await rm(indexFile, { force: true })
  }
}

async function describeCommit(
  mirrors: Mirrors,
  source: FetchedCommit,
  signal: AbortSignal,
): Promise<DescribedCommit> {
  const { stdout } = await mirrors.git(
    ['log', '-1', '--no-show-signature', '--format=%T%x00%an <%ae>%x00%B', source.commit, '--'],
    {
      gitDir: source.gitDir,
      signal,
    },
  )
  const [treeId = '', author = '', message = ''] = stdout.split('\0')
  const { commit } = source
  return { commit, treeId, author: author.slice(0, 300), message: message.trim().slice(0, 10_000) }
}
