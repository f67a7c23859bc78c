import { run } from '../command.ts'

/** What git and GitHub write for "there is no such commit". */
export const noCommit = '0'.repeat(40)

export type RefChange = { ref: string; before: string; after: string }

export type Commit = {
  id: string
  message: string
  timestamp: string
  author: { name: string; email: string }
}

/** Branches and tags of a bare repository: full name → commit. Empty when there is no such repository. */
export async function listRefs(path: string): Promise<Map<string, string>> {
  const format = '--format=%(refname) %(objectname)'
  const out = await run('git', ['-C', path, 'for-each-ref', format, 'refs/heads', 'refs/tags'])
  return new Map(
    out
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' ') as [string, string]),
  )
}

export function refChanges(before: Map<string, string>, after: Map<string, string>): RefChange[] {
  const names = new Set([...before.keys(), ...after.keys()])
  return [...names]
    .map((ref) => ({ ref, before: before.get(ref) ?? noCommit, after: after.get(ref) ?? noCommit }))
    .filter((change) => change.before !== change.after)
}

/** The commits a change brings, oldest first; for a new ref the tip alone. */
export async function listCommits(path: string, change: RefChange): Promise<Commit[]> {
  if (change.after === noCommit) return []
  const range =
    change.before === noCommit ? ['--max-count=1', change.after] : [`${change.before}..${change.after}`]
  return logOf(path, ['--reverse', ...range])
}

export async function findTip(path: string, change: RefChange): Promise<Commit | undefined> {
  if (change.after === noCommit) return undefined
  const [tip] = await logOf(path, ['--max-count=1', change.after])
  return tip
}

/** Whether the old commit is not part of the new history (a forced push). */
export async function isForced(path: string, { before, after }: RefChange): Promise<boolean> {
  if (before === noCommit || after === noCommit) return false
  return (await run('git', ['-C', path, 'rev-list', '--max-count=1', before, `^${after}`])) !== ''
}

async function logOf(path: string, args: string[]): Promise<Commit[]> {
  const out = await run('git', ['-C', path, 'log', '-z', '--format=%H%n%aI%n%an%n%ae%n%B', ...args, '--'])
  return out.split('\0').filter(Boolean).map(parseCommit)
}

function parseCommit(text: string): Commit {
  const [id = '', timestamp = '', name = '', email = '', ...message] = text.split('\n')
  return { id, timestamp, message: message.join('\n').trimEnd(), author: { name, email } }
}
