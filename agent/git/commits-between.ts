import { ProcessError } from '../process.ts'
import { TaskError } from '../tasks/task.ts'
import type { CommitWanted, FetchedCommit, Mirrors } from './mirrors.ts'

/** A commit in a line, as git tells it. */
export interface CommitLine {
  readonly id: string
  readonly author: string
  readonly subject: string
}

/** What of the history of one commit is not in that of another. */
export interface CommitsBetween {
  readonly since: string
  /** Newest first, the first `mostListed`. */
  readonly added: readonly CommitLine[]
  readonly addedCount: number
  readonly removed: readonly CommitLine[]
  readonly removedCount: number
  /** Why it is not known; empty: it is. */
  readonly unknown: string
}

const mostListed = 100
const keepBytes = 1024 ** 2
/** A server that knows no filters sends all files of all times: nobody waits for that, and not again within a day. */
const enoughMs = 60_000
const againMs = 24 * 3_600_000
const late = new WeakMap<Mirrors, Map<string, number>>()
const inTime = 'the history of the repository did not come in time: its server may know no filters'

/** Cut by git itself: people write first lines of any length. It fills up with spaces. */
const format = ['%H', '%<(150,trunc)%an', '%<(150,trunc)%ae', '%<(300,trunc)%s'].join('%x00')

/**
 * What a project's own repository has in its history between two of its commits, both ways. Where the repository hands one of them out no more,
 * or cannot be asked, it says so instead: a build does not hang on it.
 */
export async function listCommitsBetween(
  mirrors: Mirrors,
  url: string,
  { commit, since }: { readonly commit: string; readonly since: string },
  onLine: CommitWanted['onLine'],
  stop: AbortSignal,
  withinMs = enoughMs,
): Promise<CommitsBetween> {
  const known = late.get(mirrors) ?? new Map<string, number>()
  late.set(mirrors, known)
  if ((known.get(url) ?? 0) > Date.now())
    return unknownFor(since, `${inTime}; it is asked again within a day`)
  const signal = AbortSignal.any([stop, AbortSignal.timeout(withinMs)])
  try {
    const [source, other] = [await fetch(commit), await fetch(since)]
    const [added, removed] = [await listMissing(source, other), await listMissing(other, source)]
    return {
      since,
      added: added.listed,
      addedCount: added.count,
      removed: removed.listed,
      removedCount: removed.count,
      unknown: '',
    }
  } catch (error) {
    stop.throwIfAborted()
    const unknown = whyUnknown(error, signal)
    if (unknown === undefined) throw error
    if (signal.aborted) known.set(url, Date.now() + againMs)
    return unknownFor(since, unknown)
  }

  async function fetch(id: string): Promise<FetchedCommit> {
    return await mirrors.fetch(
      url,
      { commit: id, branch: '', commitsOnly: true, isOwn: true, onLine },
      signal,
    )
  }

  /** What `from` has and `than` has not. */
  async function listMissing({ gitDir, commit: from }: FetchedCommit, { commit: than }: FetchedCommit) {
    const between = [from, `^${than}`, '--']
    const { stdout: count } = await mirrors.git(['rev-list', '--count', ...between], { gitDir, signal })
    const options = ['-z', '--topo-order', '--no-show-signature', `--format=${format}`]
    const { stdout, truncated } = await mirrors.git(
      ['log', `--max-count=${mostListed}`, ...options, ...between],
      { gitDir, signal, keepBytes },
    )
    if (truncated) throw new TaskError('history-too-large', 'what its commits say is longer than 1 MiB')
    return { count: Number(count), listed: parseCommits(stdout) }
  }
}

const unknownFor = (since: string, unknown: string): CommitsBetween => ({
  since,
  added: [],
  addedCount: 0,
  removed: [],
  removedCount: 0,
  unknown,
})

/** Undefined: it is a fault of ours. */
function whyUnknown(error: unknown, { aborted }: AbortSignal): string | undefined {
  if (aborted) return inTime
  if (error instanceof TaskError) return error.message
  // Of git that does not know what a mirror without files is, too.
  return error instanceof ProcessError ? 'git could not compare them on this host' : undefined
}

/** Of `git log -z` in that format; nothing of it holds a NUL. */
export function parseCommits(output: string): CommitLine[] {
  const tokens = output.split('\0').map((token) => token.trim())
  const lines: CommitLine[] = []
  for (let at = 0; at + 3 < tokens.length; at += 4) {
    const [id = '', name = '', address = '', subject = ''] = tokens.slice(at, at + 4)
    lines.push({ id, author: `${name} <${address}>`, subject })
  }
  return lines
}
