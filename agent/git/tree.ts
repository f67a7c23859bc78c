import { TaskError } from '../tasks/task.ts'
import type { Git } from './command.ts'
import type { FetchedCommit } from './mirrors.ts'

export interface TreeEntry {
  kind: 'file' | 'symlink' | 'tree' | 'submodule'
  /** Blob, tree or commit id. */
  id: string
  sizeBytes: number
  path: string
}

const limits = { entries: 200_000, bytes: 4 * 1024 ** 3, pathLength: 1000, listingBytes: 64 * 1024 ** 2 }
const kinds: Record<string, TreeEntry['kind']> = {
  '100644': 'file',
  '100755': 'file',
  '100664': 'file',
  '120000': 'symlink',
  '040000': 'tree',
  '160000': 'submodule',
}

/** Everything in a commit's tree, folders included. Throws TaskError `repository-too-large` beyond sane limits. */
export async function listTree(git: Git, source: FetchedCommit, signal: AbortSignal): Promise<TreeEntry[]> {
  const args = ['ls-tree', '-r', '-t', '-l', '-z', '--full-tree', source.commit]
  const { stdout, truncated } = await git(args, {
    gitDir: source.gitDir,
    signal,
    keepBytes: limits.listingBytes,
  })
  if (truncated) throw tooLarge('its list of files alone is larger than 64 MiB')
  const entries = stdout.split('\0').filter(Boolean).map(parseEntry)
  if (entries.length > limits.entries) throw tooLarge(`${entries.length} files`)
  const bytes = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0)
  if (bytes > limits.bytes) throw tooLarge(`${Math.round(bytes / 1024 ** 2)} MiB of files`)
  const long = entries.find((entry) => entry.path.length > limits.pathLength)
  if (long) throw tooLarge(`a path of ${long.path.length} characters, ${long.path.slice(0, 60)}…`)
  return entries
}

function parseEntry(line: string): TreeEntry {
  const match = /^(\d{6}) \w+ ([0-9a-f]+) +(\d+|-)\t([\s\S]+)$/.exec(line)
  const kind = match && kinds[match[1]!]
  if (!kind)
    throw new TaskError(
      'repository-invalid',
      `the commit holds an entry that is no file: ${line.slice(0, 80)}`,
    )
  return { kind, id: match[2]!, sizeBytes: match[3] === '-' ? 0 : Number(match[3]), path: match[4]! }
}

function tooLarge(what: string): TaskError {
  return new TaskError('repository-too-large', `the repository is too large to build: ${what}`)
}
