import { redactUrls } from '../../lib/addresses/redact-urls.ts'
import { isLegibleBranch } from '../../lib/repository/branch-list.ts'
import type { Dialer } from '../egress/dial.ts'
import { ProcessError } from '../process.ts'
import { TaskError } from '../tasks/task.ts'
import type { Git } from './command.ts'
import { explainFetch } from './explain-fetch.ts'
import { fetchEnding } from './fetch-ending.ts'
import type { HostAccess } from './host-access.ts'
import { openWay } from './open-way.ts'
import { isCommitId } from './ref-names.ts'
import { explainLocal, type Remote } from './remote.ts'

/** What a repository says of itself without anything being fetched. */
export interface RemoteHeads {
  /** Empty where it has none, or does not say. */
  readonly defaultBranch: string
  /** By name. */
  readonly heads: readonly Head[]
  /** How many more it has, by names that are no text or too long to be told. */
  readonly passedOver: number
}

export interface Head {
  readonly branch: string
  readonly commit: string
}

/** Beyond it nobody's list of branches goes. */
const maxHeads = 10_000
const keepBytes = 4 * 1024 * 1024
const timeoutMs = 60_000

/** Throws TaskError as `Mirrors.fetch` does, and `repository-too-large` for one of too many branches. */
export async function readHeads(
  { git, gitDir, dialer }: { git: Git; gitDir: string; dialer: Dialer },
  url: string,
  remote: Remote,
  access: HostAccess | undefined,
  signal: AbortSignal,
): Promise<RemoteHeads> {
  await using wayOut = await openWay(dialer, url, access, signal)
  const args = ['ls-remote', '--symref', ...remote.options, '--', remote.address, 'HEAD', 'refs/heads/*']
  try {
    const presented = access?.presentedTo(url)
    const { stdout, truncated } = await git(args, { gitDir, wayOut, presented, signal, timeoutMs, keepBytes })
    const found = parseHeads(stdout)
    if (truncated || found.heads.length > maxHeads) throw tooManyBranches(url)
    return found
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error
    if (remote.local && fetchEnding(error.stderr).kind !== 'ref-missing')
      throw explainLocal(url, remote.local, error)
    throw explainFetch(error, url, { commit: '', branch: '' }, wayOut.trouble)
  }
}

/** `ref: refs/heads/main<TAB>HEAD` of the symbolic ones, and `<id><TAB>refs/heads/main` of each. */
export function parseHeads(output: string): RemoteHeads {
  let defaultBranch = ''
  let passedOver = 0
  const heads: Head[] = []
  for (const line of output.split('\n')) {
    const [value = '', name = ''] = line.split('\t')
    if (value.startsWith('ref: refs/heads/') && name === 'HEAD')
      defaultBranch = value.slice('ref: refs/heads/'.length)
    // The pattern also matches refs that merely end so.
    if (!isCommitId(value) || !name.startsWith('refs/heads/')) continue
    const branch = name.slice('refs/heads/'.length)
    if (isLegibleBranch(branch)) heads.push({ branch, commit: value })
    else passedOver += 1
  }
  return { defaultBranch: isLegibleBranch(defaultBranch) ? defaultBranch : '', heads, passedOver }
}

export const tooManyBranches = (url: string) =>
  new TaskError(
    'repository-too-large',
    `${redactUrls(url)} has more than ${maxHeads} branches, or names that are too long: delete those that nobody needs`,
  )
