import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { refuseReserved, sourcesFolder } from '../../lib/repository/sources/source-names.ts'
import type { OddName } from '../../lib/repository/tree/odd-names.ts'
import { TaskError } from '../tasks/task.ts'
import { mergeCommits } from './merge.ts'
import type { CommitWanted, DescribedCommit, Mirrors } from './mirrors.ts'
import { checkoutCommit, checkoutSource, type Source } from './source.ts'

/** A repository of addons at commits that are known. */
export interface PinnedSource {
  /** `.fairway-sources/sale-workflow` */
  path: string
  url: string
  /** Branch or tag that the commit was taken from; empty: it was declared by commit. */
  ref: string
  /** What is placed; empty while the result of a merge is not known yet. */
  commit: string
  /** All that are merged, in order, the first included; empty for a commit as it is. */
  merges: readonly { url: string; ref: string; commit: string }[]
  /** `oca_dependencies.txt:3` */
  declaredIn: string
}

export interface PlacedSource extends PinnedSource {
  source: Source
}

/** A project's files on disk, with those of its sources, and the git ids of them all. */
export interface Assembly {
  readonly project: Source
  readonly placed: readonly PlacedSource[]
  /** Checks sources out, some at a time. Throws a TaskError that begins with where the source is declared. */
  place(sources: readonly PinnedSource[]): Promise<PlacedSource[]>
  /** Tree id of a folder; undefined when there is no such folder. */
  findTreeId(path: string): string | undefined
  /** Of the project and all that is placed in it. */
  oddNames(): OddName[]
  lfsPointers(): string[]
  links(): string[]
}

export interface AssemblyPlace {
  /** Empty directory for the files. */
  files: string
  /** Directory beside it for what is only needed on the way. */
  scratch: string
}

/**
 * Checks out a project, for sources to be placed in it. Resolve and image do it with this one function: the same pins
 * give the same files. `onCommit`: as of `checkoutSource`.
 */
export async function assembleProject(
  mirrors: Mirrors,
  url: string,
  wanted: CommitWanted,
  { files, scratch }: AssemblyPlace,
  signal: AbortSignal,
  onCommit?: (commit: DescribedCommit) => void,
): Promise<Assembly> {
  const project = await checkoutSource(mirrors, url, wanted, files, signal, onCommit)
  await refuseReserved(files)
  await mkdir(scratch, { recursive: true })
  const placed: PlacedSource[] = []

  async function placeOne(pinned: PinnedSource): Promise<PlacedSource> {
    requirePlace(pinned.path)
    const own = join(scratch, createHash('sha256').update(pinned.path).digest('hex').slice(0, 16))
    const root = await gather(pinned, `${own}.git`)
    if (pinned.commit && root.commit !== pinned.commit)
      throw new TaskError(
        'lock-mismatch',
        `the merge gives ${root.commit}, but ${pinned.commit} is locked: resolve it again (\`fairway lock --update\` where fairway.lock has it)`,
      )
    const place = { directory: join(files, pinned.path), indexFile: `${own}.index` }
    const source = await checkoutCommit(mirrors, root, place, wanted.onLine, signal)
    return { ...pinned, commit: root.commit, source }
  }

  async function gather({ url, ref, commit, merges }: PinnedSource, gitDir: string) {
    const { onLine } = wanted
    if (merges.length === 0) return mirrors.fetch(url, { commit, branch: '', ref, onLine }, signal)
    const fetched = []
    for (const one of merges) {
      const named = { commit: one.commit, branch: '', ref: one.ref, history: true, onLine }
      fetched.push({ ...(await mirrors.fetch(one.url, named, signal)), ref: one.ref || one.commit })
    }
    return mergeCommits(mirrors.git, fetched, gitDir, signal)
  }

  const ofAll = (filesOf: (source: Source) => readonly string[]) => [
    ...filesOf(project),
    ...placed.flatMap(({ path, source }) => filesOf(source).map((file) => `${path}/${file}`)),
  ]

  return {
    project,
    placed,
    async place(sources) {
      const arrived = await eachOf(sources, (source) => declared(source.declaredIn, () => placeOne(source)))
      placed.push(...arrived)
      return arrived
    },
    oddNames: () => [
      ...project.oddNames,
      ...placed.flatMap(({ path, source }) =>
        source.oddNames.map((name) => ({ path: `${path}/${name.path}`, shown: `${path}/${name.shown}` })),
      ),
    ],
    lfsPointers: () => ofAll(({ lfsPointers }) => lfsPointers),
    links: () => ofAll(({ links }) => links),
    findTreeId(path) {
      const inside = placed.find((source) => path === source.path || path.startsWith(`${source.path}/`))
      if (inside) return inside.source.findTreeId(path.slice(inside.path.length + 1))
      return project.findTreeId(path)
    },
  }
}

const atOnce = 4

/** Some at a time. All that were begun have ended when the first failure is thrown: nothing writes afterwards. */
export async function eachOf<T, R>(items: readonly T[], use: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let start = 0; start < items.length; start += atOnce) {
    const settled = await Promise.allSettled(items.slice(start, start + atOnce).map(use))
    for (const one of settled) {
      if (one.status === 'rejected') throw one.reason
      results.push(one.value)
    }
  }
  return results
}

/** What goes wrong with a source is said with the line that declares it. */
export async function declared<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof TaskError)) throw error
    throw new TaskError(error.reason, `${place}: ${error.message}`, { cause: error })
  }
}

function requirePlace(path: string): void {
  const [top, ...folders] = path.split('/')
  const fine = folders.length > 0 && folders.every((folder) => /^\w[\w.+-]*$/.test(folder))
  if (top !== sourcesFolder || !fine)
    throw new TaskError('bad-input', `${JSON.stringify(path.slice(0, 100))} is no folder for a source`)
}
