import { requireSaneTree, type TreeFile, tooLarge } from '../../lib/repository/tree/limits.ts'
import { TaskError } from '../tasks/task.ts'
import type { Git } from './command.ts'
import type { FetchedCommit } from './mirrors.ts'

export interface TreeEntry extends TreeFile {
  kind: 'file' | 'symlink' | 'tree' | 'submodule'
  /** Blob, tree or commit id. */
  id: string
}

const listingBytes = 64 * 1024 ** 2
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
    keepBytes: listingBytes,
  })
  if (truncated) throw tooLarge('its list of files alone is larger than 64 MiB')
  const entries = stdout.split('\0').filter(Boolean).map(parseEntry)
  requireSaneTree(entries)
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
