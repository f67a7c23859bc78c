import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { GitProtocol } from '../../lib/addresses/git-url.ts'
import { redactUrls } from '../../lib/addresses/redact-urls.ts'
import { listShort } from '../../lib/words/list-short.ts'
import type { Dialer } from '../egress/dial.ts'
import { ProcessError } from '../process.ts'
import { TaskError } from '../tasks/task.ts'
import type { Git } from './command.ts'
import { explainFetch } from './explain-fetch.ts'
import { fetchEnding } from './fetch-ending.ts'
import { type RemoteHeads, readHeads } from './heads.ts'
import type { HostAccess } from './host-access.ts'
import { createLocalRepositories, type LocalRepositories } from './local/local-repositories.ts'
import { prepareMirror, watchSize } from './mirror-directory.ts'
import { openWay } from './open-way.ts'
import { candidatesOf, isCommitId, requireNames } from './ref-names.ts'
import { explainLocal, requireRemote } from './remote.ts'
import { listCommits } from './short-id.ts'

/** A commit that is on this host, in the bare repository `gitDir`. */
export interface FetchedCommit {
  url: string
  gitDir: string
  commit: string
}

export interface CommitWanted {
  /** Full id, or at least the first seven digits of one; empty for the head of `branch`. */
  commit: string
  /** Empty when only the commit is known (submodules). */
  branch: string
  /** Instead of a branch: a branch or tag, `HEAD`, or the full name of any ref (`refs/pull/7/head`). */
  ref?: string
  /** With all that went before it, which a merge needs. */
  history?: boolean
  /** Whether the commit has to be in the branch's history: servers hand out others as well, those of forks included. */
  onBranch?: boolean
  /** How many commits of its history come with it; kept apart from mirrors that have single commits. Default 1. */
  depth?: number
  /** Without the contents of files, for who only looks at their names; kept apart as well. */
  namesOnly?: boolean
  /** Commits alone, with all that went before, and nothing of their files; kept apart as well. */
  commitsOnly?: boolean
  /** The project's own address, as its owner gave it: it alone may be a path of this host. */
  isOwn?: boolean
  onLine?: (line: string) => void
}

/** What a commit says of itself. */
export interface DescribedCommit {
  readonly commit: string
  readonly treeId: string
  readonly author: string
  readonly message: string
}

/** Bare repositories, one for each address, that keep what was fetched once. */
export interface Mirrors {
  readonly git: Git
  readonly protocols: readonly GitProtocol[]
  /**
   * Throws TaskError: `commit-missing`, `commit-not-on-branch`, `commit-ambiguous`, `branch-missing`, `ref-missing`,
   * `repository-denied`, `-moved`, `-unreachable`, `-too-large`, `-not-allowed`; of a path `-path`, `-unsafe`.
   */
  fetch(url: string, wanted: CommitWanted, signal: AbortSignal): Promise<FetchedCommit>
  /** Branches of a project's own repository, asked of it without fetching anything. */
  heads(url: string, signal: AbortSignal): Promise<RemoteHeads>
  /** The same for a project that presents something to hosts: what it gets so is kept apart, for it alone. */
  as(access: HostAccess): Mirrors
}

export interface MirrorLimits {
  fetchTimeoutMs: number
  maxBytes: number
}

export interface MirrorOptions {
  readonly limits?: MirrorLimits
  /** Default: no repository is read by its path. */
  readonly locals?: LocalRepositories
}

const defaultMirrorLimits: MirrorLimits = { fetchTimeoutMs: 15 * 60_000, maxBytes: 8 * 1024 ** 3 }

export function createMirrors(
  git: Git,
  directory: string,
  protocols: readonly GitProtocol[],
  dialer: Dialer,
  { limits = defaultMirrorLimits, locals = createLocalRepositories([]) }: MirrorOptions = {},
): Mirrors {
  const queues = new Map<string, Promise<unknown>>()

  function directoryOf(url: string, wanted: CommitWanted, access: HostAccess | undefined): string {
    // A shallow fetch would cut short the history that a merge or a search needs, and must not while one is going on.
    const reach = reachOf(wanted)
    // What only this project may reach is for it alone, too; redirects lead anywhere, so its addresses don't tell.
    const isApart = access && (access.presentedTo(url) || access.networkAllow.length > 0)
    const parts = [url, reach, isApart ? access.project : '']
    const key = parts.join('\n').trimEnd()
    return join(directory, createHash('sha256').update(key).digest('hex').slice(0, 32))
  }

  async function fetchNow(
    gitDir: string,
    url: string,
    wanted: CommitWanted,
    access: HostAccess | undefined,
    signal: AbortSignal,
  ): Promise<FetchedCommit> {
    const remote = await requireRemote(url, wanted.isOwn === true, { protocols, locals })
    await prepareMirror(git, gitDir, signal)
    if (wanted.commit && !isCommitId(wanted.commit)) {
      return { url, gitDir, commit: await requireShort(wanted) }
    }
    if (wanted.commit && wanted.onBranch) await requireOnBranch(wanted)
    const known = wanted.commit && (await findCommit(commitRef(wanted.commit)))
    if (known) return { url, gitDir, commit: known }
    if (!wanted.commit) return { url, gitDir, commit: await fetchNamed(candidatesOf(wanted)) }
    try {
      await fetchRefs([`+${wanted.commit}:${commitRef(wanted.commit)}`], String(wanted.depth ?? 1))
    } catch (error) {
      if (!(error instanceof TaskError && error.reason === 'commit-missing')) throw error
      // Not every server hands out a commit by its id: it may still be on a branch.
      const named = wanted.ref ? candidatesOf(wanted).filter((ref) => !ref.startsWith('refs/heads/')) : []
      const depth = wanted.depth ? String(wanted.depth) : wholeHistory
      await fetchRefs(['+refs/heads/*:refs/fairway/heads/*'], depth)
      for (const ref of named) await fetchRefs([`+${ref}:${keptRef(ref)}`], wholeHistory).catch(ignoreMissing)
      if (!(await findCommit(wanted.commit))) throw error
      await keep(wanted.commit)
    }
    return { url, gitDir, commit: wanted.commit }

    async function fetchNamed([ref = '', ...others]: string[]): Promise<string> {
      try {
        await fetchRefs([`+${ref}:${keptRef(ref)}`], '1')
      } catch (error) {
        if (others.length > 0 && isMissing(error)) return fetchNamed(others)
        throw error
      }
      const commit = await findCommit(keptRef(ref))
      if (!commit) throw new TaskError('ref-missing', `${redactUrls(url)}: ${ref} leads to no commit`)
      await keep(commit)
      return commit
    }

    async function keep(commit: string): Promise<void> {
      await git(['update-ref', commitRef(commit), commit], { gitDir, signal })
    }

    /** The head is all that is fetched where it is the commit, as it is for a push; else the branch's whole history. */
    async function requireOnBranch({ commit, branch }: CommitWanted): Promise<void> {
      const ref = `refs/fairway/heads/${branch}`
      const refspecs = [`+refs/heads/${branch}:${ref}`]
      await fetchRefs(refspecs, '1')
      if ((await findCommit(ref)) === commit) return
      await fetchRefs(refspecs, wholeHistory)
      const contains = (await findCommit(commit)) && (await isAncestor(commit, ref))
      if (contains) return
      throw notOnBranch(commit, branch)
    }

    /** What stands on the branch goes before all else that begins so. No server says what a short id stands for. */
    async function requireShort({ commit: short, branch, onBranch }: CommitWanted): Promise<string> {
      const ref = `refs/fairway/heads/${branch}`
      const refspecs = [`+refs/heads/${branch}:${ref}`]
      await fetchRefs(refspecs, '1')
      const head = await findCommit(ref)
      if (head?.startsWith(short)) return await kept(head)
      await fetchRefs(refspecs, wholeHistory)
      const known = await listCommits(git, gitDir, short, signal)
      const own = []
      for (const commit of known) if (await isAncestor(commit, ref)) own.push(commit)
      if (own.length > 0) return await kept(requireOne(short, own))
      if (onBranch) throw notOnBranch(short, branch)
      await fetchRefs(['+refs/heads/*:refs/fairway/heads/*'], wholeHistory)
      return await kept(requireOne(short, await listCommits(git, gitDir, short, signal)))
    }

    async function kept(commit: string): Promise<string> {
      await keep(commit)
      return commit
    }

    function requireOne(short: string, [first, ...others]: readonly string[]): string {
      const where = redactUrls(url)
      if (!first) {
        const why = 'it was mistyped, rebased or force-pushed away'
        throw new TaskError('commit-missing', `no branch of ${where} has a commit ${short}: ${why}`)
      }
      if (others.length === 0) return first
      const all = listShort([first, ...others], 5)
      throw new TaskError(
        'commit-ambiguous',
        `${short} is more than one commit of ${where}: ${all}; give more of it`,
      )
    }

    function notOnBranch(commit: string, branch: string): TaskError {
      return new TaskError(
        'commit-not-on-branch',
        `${commit} is not on the branch ${branch} of ${redactUrls(url)}: it is of another branch or a fork, or was ` +
          'force-pushed away; push it to the branch first',
      )
    }

    async function isAncestor(commit: string, ref: string): Promise<boolean> {
      try {
        await git(['merge-base', '--is-ancestor', commit, ref], { gitDir, signal })
        return true
      } catch (error) {
        if (error instanceof ProcessError && error.exitCode === 1) return false
        throw error
      }
    }

    async function findCommit(name: string): Promise<string | undefined> {
      const result = await git(['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`], {
        gitDir,
        signal,
      }).catch((error: unknown) => {
        if (error instanceof ProcessError && error.exitCode !== undefined) return undefined
        throw error
      })
      return result?.stdout.trim() || undefined
    }

    async function fetchRefs(refspecs: string[], depth: string): Promise<void> {
      const tooLarge = new TaskError(
        'repository-too-large',
        `${redactUrls(url)} is larger than ${Math.round(limits.maxBytes / 1024 ** 3)} GiB`,
      )
      using guard = watchSize(join(gitDir, 'objects', 'pack'), limits.maxBytes, tooLarge)
      const options = [
        '--no-tags',
        '--no-recurse-submodules',
        '--no-write-fetch-head',
        '--force',
        '--progress',
        // A server that knows no filters sends everything.
        ...(wanted.namesOnly ? ['--filter=blob:none'] : []),
        ...(wanted.commitsOnly ? ['--filter=tree:0'] : []),
      ]
      const depths = isWhole(wanted) ? [] : [`--depth=${depth}`]
      await using wayOut = await openWay(dialer, url, access, signal)
      try {
        await git(['fetch', ...options, ...depths, ...remote.options, '--', remote.address, ...refspecs], {
          gitDir,
          wayOut,
          presented: access?.presentedTo(url),
          signal: AbortSignal.any([signal, guard.signal]),
          timeoutMs: limits.fetchTimeoutMs,
          onLine: wanted.onLine && ((line) => wanted.onLine?.(lastProgress(line))),
        })
      } catch (error) {
        if (!(error instanceof ProcessError)) throw error
        const ending = fetchEnding(error.stderr).kind
        if (remote.local && !error.timedOut && !saidOfRepository.has(ending))
          throw explainLocal(url, remote.local, error)
        throw explainFetch(error, url, wanted, wayOut.trouble)
      }
    }
  }

  const open = (access?: HostAccess): Mirrors => ({
    git,
    protocols,
    as: open,
    async heads(url, signal) {
      const remote = await requireRemote(url, true, { protocols, locals })
      // Git needs none for it, and takes none where that is not there.
      const gitDir = join(directory, 'none')
      return readHeads({ git, gitDir, dialer }, url, remote, access, signal)
    },
    async fetch(url, wanted, signal) {
      requireNames(wanted)
      const gitDir = directoryOf(url, wanted, access)
      const before = queues.get(gitDir)
      const fetching = (async () => {
        await before?.catch(() => undefined)
        signal.throwIfAborted()
        return fetchNow(gitDir, url, wanted, access, signal)
      })()
      queues.set(gitDir, fetching)
      try {
        return await fetching
      } finally {
        if (queues.get(gitDir) === fetching) queues.delete(gitDir)
      }
    },
  })
  return open()
}

/** What of a repository is fetched; each in a mirror of its own. */
function reachOf({ history, depth, namesOnly, commitsOnly }: CommitWanted): string {
  if (history) return 'history'
  if (commitsOnly) return 'commits'
  if (depth) return 'depth'
  return namesOnly ? 'names' : ''
}

const isWhole = ({ history, commitsOnly }: CommitWanted): boolean => history === true || commitsOnly === true

/** Nothing that tells of paths. */
const saidOfRepository: ReadonlySet<string> = new Set(['ref-missing', 'commit-missing', 'unclean'])
/** As a depth, it undoes a shallow fetch. */
const wholeHistory = '2147483647'
const commitRef = (commit: string) => `refs/fairway/commits/${commit}`
/** Never among the commits, whatever a repository calls its refs. */
const keptRef = (ref: string) =>
  ref.startsWith('refs/heads/') ? ref.replace('refs/', 'refs/fairway/') : `refs/fairway/named/${ref}`
const lastProgress = (line: string) => line.split('\r').at(-1)!.trim()

const isMissing = (error: unknown) =>
  error instanceof TaskError && ['branch-missing', 'ref-missing'].includes(error.reason)
function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error
}
