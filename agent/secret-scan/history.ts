import type { FetchedCommit, Mirrors } from '../git/mirrors.ts'
import { TaskError } from '../tasks/task.ts'

/** A version of a file that a commit brought. */
export interface PushedBlob {
  readonly id: string
  readonly path: string
  readonly commit: string
}

export interface PushedHistory {
  /** Where the blobs are. */
  readonly gitDir: string
  /** Each once, by the commit that first brought it. */
  readonly blobs: readonly PushedBlob[]
  readonly commits: number
  /** What was not looked at, and why. */
  readonly leftOut: readonly string[]
}

export interface HistoryLimits {
  readonly commits: number
  readonly listingBytes: number
}

/**
 * The versions of files that came with the commits after `scanned`, whether or not later ones took them away again.
 * Where `scanned` was forced off the branch and is gone, the newest commits are looked at instead.
 */
export async function listPushed(
  mirrors: Mirrors,
  url: string,
  { commit, scanned }: { readonly commit: string; readonly scanned: string },
  limits: HistoryLimits,
  signal: AbortSignal,
): Promise<PushedHistory> {
  const leftOut: string[] = []
  // One more, so that the oldest that is looked at has its parent to compare with.
  const depth = limits.commits + 1
  const source = await mirrors.fetch(url, { commit, branch: '', depth, isOwn: true }, signal)
  const known = await findScanned()
  if (!known)
    leftOut.push(
      `commit ${scanned.slice(0, 10)}, up to which it was searched before, is gone from the repository`,
    )
  const { gitDir } = source
  const commits = await listCommits()
  const blobs = await listBlobs(commits)
  return { gitDir, blobs, commits: commits.length, leftOut }

  async function findScanned(): Promise<FetchedCommit | undefined> {
    try {
      return await mirrors.fetch(url, { commit: scanned, branch: '', depth, isOwn: true }, signal)
    } catch (error) {
      if (error instanceof TaskError && error.reason === 'commit-missing') return undefined
      throw error
    }
  }

  /** Oldest first. */
  async function listCommits(): Promise<string[]> {
    const until = known ? [`^${known.commit}`] : []
    const args = ['rev-list', '--topo-order', '--reverse', `--max-count=${depth}`, commit, ...until, '--']
    const { stdout } = await mirrors.git(args, { gitDir, signal, keepBytes: depth * 100 })
    const found = stdout.split('\n').filter(Boolean)
    if (found.length <= limits.commits) return found
    leftOut.push(`commits before the newest ${limits.commits}`)
    return found.slice(-limits.commits)
  }

  async function listBlobs(among: readonly string[]): Promise<PushedBlob[]> {
    if (among.length === 0) return []
    const args = ['diff-tree', '--stdin', '-z', '-r', '-m', '--root', '--raw', '--no-renames', '--no-abbrev']
    const { stdout, truncated } = await mirrors.git([...args, '--diff-filter=AMT'], {
      gitDir,
      signal,
      input: `${among.join('\n')}\n`,
      keepBytes: limits.listingBytes,
    })
    if (truncated)
      leftOut.push(`the older of the changes: their list is longer than ${limits.listingBytes} bytes`)
    return parseChanges(stdout)
  }
}

/** Of `git diff-tree --stdin -z --raw`: a commit's id, then for each of its files what changed and, apart, the path. */
export function parseChanges(output: string): PushedBlob[] {
  const blobs = new Map<string, PushedBlob>()
  const tokens = output.split('\0')
  let commit = ''
  for (let at = 0; at < tokens.length; at++) {
    const change = /^:\d{6} (\d{6}) [0-9a-f]+ ([0-9a-f]+) [A-Z]\d*$/.exec(tokens[at] ?? '')
    if (!change) {
      if (/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(tokens[at] ?? '')) commit = tokens[at] ?? ''
      continue
    }
    const [, mode = '', id = ''] = change
    const path = tokens[++at] ?? ''
    // Only files: no symbolic links, no submodules.
    if (commit && mode.startsWith('100') && !blobs.has(id)) blobs.set(id, { id, path, commit })
  }
  return [...blobs.values()]
}
