import { createHash } from 'node:crypto'
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lstatIfThere } from '../lstat-if-there.ts'
import { ProcessError } from '../process.ts'
import { TaskError } from '../tasks/task.ts'
import { type Git, lastGitError } from './command.ts'
import { type GitProtocol, redactUrl, requireProtocol } from './url.ts'

/** A commit that is on this host, in the bare repository `gitDir`. */
export interface FetchedCommit {
  url: string
  gitDir: string
  commit: string
}

export interface CommitWanted {
  /** Full id; empty for the head of `branch`. */
  commit: string
  /** Empty when only the commit is known (submodules). */
  branch: string
  /** Whether the commit has to be in the branch's history: servers hand out others as well, those of forks included. */
  onBranch?: boolean
  /** How many commits of its history come with it; kept apart from mirrors that have single commits. Default 1. */
  depth?: number
  onLine?: (line: string) => void
}

/** Bare repositories, one for each address, that keep what was fetched once. */
export interface Mirrors {
  readonly git: Git
  readonly protocols: readonly GitProtocol[]
  /** Throws TaskError: `commit-missing`, `commit-not-on-branch`, `branch-missing`, `repository-denied`, `-unreachable`, `-too-large`. */
  fetch(url: string, wanted: CommitWanted, signal: AbortSignal): Promise<FetchedCommit>
}

export interface MirrorLimits {
  fetchTimeoutMs: number
  maxBytes: number
}

export const defaultMirrorLimits: MirrorLimits = { fetchTimeoutMs: 15 * 60_000, maxBytes: 8 * 1024 ** 3 }

// Contents arrive as they were committed: no filters, no line ending or encoding conversion, whatever .gitattributes says.
const verbatim = '* -text !eol -ident -filter !working-tree-encoding\n'

export function createMirrors(
  git: Git,
  directory: string,
  protocols: readonly GitProtocol[],
  limits: MirrorLimits = defaultMirrorLimits,
): Mirrors {
  const queues = new Map<string, Promise<unknown>>()

  /** A fetch of a single commit would cut short the history of another that is being read. */
  const directoryOf = (url: string, { depth }: CommitWanted) =>
    join(
      directory,
      createHash('sha256')
        .update(depth ? `${url}\ndepth` : url)
        .digest('hex')
        .slice(0, 32),
    )

  async function fetchNow(
    gitDir: string,
    url: string,
    wanted: CommitWanted,
    signal: AbortSignal,
  ): Promise<FetchedCommit> {
    await prepare(gitDir, signal)
    if (wanted.commit && wanted.onBranch) await requireOnBranch(wanted)
    const kept = wanted.commit && (await findCommit(commitRef(wanted.commit)))
    if (kept) return { url, gitDir, commit: kept }
    if (!wanted.commit) {
      const ref = `refs/fairway/heads/${wanted.branch}`
      await fetchRefs([`+refs/heads/${wanted.branch}:${ref}`], '1')
      const commit = await findCommit(ref)
      if (!commit) throw new TaskError('branch-missing', `${redactUrl(url)} has no branch ${wanted.branch}`)
      return { url, gitDir, commit }
    }
    try {
      await fetchRefs([`+${wanted.commit}:${commitRef(wanted.commit)}`], String(wanted.depth ?? 1))
    } catch (error) {
      if (!(error instanceof TaskError && error.reason === 'commit-missing')) throw error
      // Not every server hands out a commit by its id: it may still be on a branch.
      await fetchRefs(
        ['+refs/heads/*:refs/fairway/heads/*'],
        wanted.depth ? String(wanted.depth) : wholeHistory,
      )
      if (!(await findCommit(wanted.commit))) throw error
      await git(['update-ref', commitRef(wanted.commit), wanted.commit], { gitDir, signal })
    }
    return { url, gitDir, commit: wanted.commit }

    /** The head is all that is fetched where it is the commit, as it is for a push; else the branch's whole history. */
    async function requireOnBranch({ commit, branch }: CommitWanted): Promise<void> {
      const ref = `refs/fairway/heads/${branch}`
      const refspecs = [`+refs/heads/${branch}:${ref}`]
      await fetchRefs(refspecs, '1')
      if ((await findCommit(ref)) === commit) return
      await fetchRefs(refspecs, wholeHistory)
      const contains = (await findCommit(commit)) && (await isAncestor(commit, ref))
      if (contains) return
      throw new TaskError(
        'commit-not-on-branch',
        `${commit} is not on the branch ${branch} of ${redactUrl(url)}: it is of another branch or a fork, or was ` +
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
        `${redactUrl(url)} is larger than ${Math.round(limits.maxBytes / 1024 ** 3)} GiB`,
      )
      using guard = watchSize(join(gitDir, 'objects', 'pack'), limits.maxBytes, tooLarge)
      const options = [
        '--no-tags',
        '--no-recurse-submodules',
        '--no-write-fetch-head',
        '--force',
        '--progress',
      ]
      try {
        await git(['fetch', ...options, `--depth=${depth}`, '--', url, ...refspecs], {
          gitDir,
          signal: AbortSignal.any([signal, guard.signal]),
          timeoutMs: limits.fetchTimeoutMs,
          onLine: wanted.onLine && ((line) => wanted.onLine?.(lastProgress(line))),
        })
      } catch (error) {
        if (error instanceof ProcessError) throw explainFetch(error, url, wanted)
        throw error
      }
    }
  }

  async function prepare(gitDir: string, signal: AbortSignal): Promise<void> {
    const attributes = join(gitDir, 'info', 'attributes')
    if (await lstatIfThere(attributes)) {
      // Left by a fetch that was killed; nobody else works here, the queue sees to that.
      await rm(join(gitDir, 'shallow.lock'), { force: true })
      return
    }
    await mkdir(gitDir, { recursive: true, mode: 0o700 })
    await git(['init', '--quiet', '--bare', '--template='], { gitDir, signal })
    await mkdir(join(gitDir, 'info'), { recursive: true })
    await writeFile(attributes, verbatim)
  }

  return {
    git,
    protocols,
    async fetch(url, wanted, signal) {
      requireProtocol(url, protocols)
      requireNames(wanted)
      const gitDir = directoryOf(url, wanted)
      const before = queues.get(gitDir)
      const fetching = (async () => {
        await before?.catch(() => undefined)
        signal.throwIfAborted()
        return fetchNow(gitDir, url, wanted, signal)
      })()
      queues.set(gitDir, fetching)
      try {
        return await fetching
      } finally {
        if (queues.get(gitDir) === fetching) queues.delete(gitDir)
      }
    },
  }
}

/** As a depth, it undoes a shallow fetch. */
const wholeHistory = '2147483647'
const commitRef = (commit: string) => `refs/fairway/commits/${commit}`
const lastProgress = (line: string) => line.split('\r').at(-1)!.trim()

function requireNames({ commit, branch, onBranch }: CommitWanted): void {
  if (commit && !/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(commit))
    throw new TaskError('commit-missing', `${commit.slice(0, 80)} is no full commit id`)
  if ((!commit || onBranch) && !isBranchName(branch))
    throw new TaskError('branch-missing', `${JSON.stringify(branch.slice(0, 80))} is no name of a branch`)
}

/** The rules of git-check-ref-format. */
function isBranchName(name: string): boolean {
  if (name.length === 0 || name.length > 240 || name.startsWith('-')) return false
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\/$|\.$|^@$/.test(name)) return false
  return name.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'))
}

/** git has no limit for what it fetches: looks once a second, and aborts. */
function watchSize(directory: string, maxBytes: number, reason: Error): Disposable & { signal: AbortSignal } {
  const controller = new AbortController()
  const timer = setInterval(async () => {
    try {
      let bytes = 0
      for (const name of await readdir(directory)) bytes += (await stat(join(directory, name))).size
      if (bytes > maxBytes) controller.abort(reason)
    } catch (error) {
      // Packs come and go while git works.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') controller.abort(error)
    }
  }, 1000)
  return { signal: controller.signal, [Symbol.dispose]: () => clearInterval(timer) }
}

function explainFetch(error: ProcessError, url: string, wanted: CommitWanted): TaskError {
  const where = redactUrl(url)
  const said = redactUrls(lastGitError(error))
  const wrap = (reason: string, message: string) => new TaskError(reason, message, { cause: error })
  if (error.timedOut)
    return wrap('repository-unreachable', `${where}: fetching took too long and was given up`)
  if (/couldn't find remote ref/i.test(error.stderr))
    return wrap('branch-missing', `${where} has no branch ${wanted.branch}: it was deleted or renamed`)
  if (/not our ref|unadvertised object|bad object/i.test(error.stderr))
    return wrap(
      'commit-missing',
      `${where} no longer has the commit ${wanted.commit}: it was rebased or force-pushed away`,
    )
  if (
    /authentication failed|could not read (username|password)|permission denied|access denied|not found|40[134]|publickey/i.test(
      error.stderr,
    )
  )
    return wrap('repository-denied', `${where} cannot be read: ${said}; check address and deploy key`)
  if (/fsck error/.test(error.stderr)) return wrap('repository-invalid', `${where} is refused: ${said}`)
  return wrap('repository-unreachable', `${where} cannot be fetched: ${said}`)
}

const redactUrls = (text: string) => text.replace(/(\w+:\/\/)[^/@\s']*@/g, '$1')
