import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { redactUrls } from '../../lib/addresses/redact-urls.ts'
import { listShort } from '../../lib/words/list-short.ts'
import { TaskError } from '../tasks/task.ts'
import type { Git } from './command.ts'
import type { FetchedCommit } from './mirrors.ts'

/** A commit to merge, with all its history in its repository. */
export interface MergeableCommit extends FetchedCommit {
  /** What it is called, for people: `19.0`, `refs/pull/7/head`. */
  ref: string
}

// Everything that a host, a version of git or a repository's .gitattributes could decide otherwise.
const settled = [
  'merge.renames=true',
  'merge.renameLimit=7000',
  'merge.directoryRenames=conflict',
  'merge.conflictStyle=merge',
  'merge.renormalize=false',
  'diff.algorithm=histogram',
].flatMap((entry) => ['-c', entry])
const attributes = '* -text !eol -ident -filter !working-tree-encoding !merge !diff !conflict-marker-size\n'

const nobody = {
  GIT_AUTHOR_NAME: 'Fairway',
  GIT_AUTHOR_EMAIL: 'fairway@localhost',
  GIT_AUTHOR_DATE: '946684800 +0000',
  GIT_COMMITTER_NAME: 'Fairway',
  GIT_COMMITTER_EMAIL: 'fairway@localhost',
  GIT_COMMITTER_DATE: '946684800 +0000',
}

/**
 * Merges commits, in order, onto the first, as `git pull` would, without a work tree: in the new bare repository
 * `gitDir`, which borrows their objects. The same commits give the same commit on any host.
 * Throws TaskError `merge-conflict` (repository, refs, files), `merge-unrelated`, `git-too-old`.
 */
export async function mergeCommits(
  git: Git,
  commits: readonly MergeableCommit[],
  gitDir: string,
  signal: AbortSignal,
): Promise<FetchedCommit> {
  const [first, ...others] = commits
  if (!first) throw new Error('there is nothing to merge')
  await requireMergeTree(git, gitDir, signal)
  await createBorrowing(git, commits, gitDir, signal)
  let commit = first.commit
  const merged = [first]
  for (const other of others) {
    commit = await mergeTwo(commit, other)
    merged.push(other)
  }
  return { url: first.url, gitDir, commit }

  async function mergeTwo(ours: string, theirs: MergeableCommit): Promise<string> {
    if (await isAncestor(theirs.commit, ours)) return ours
    if (await isAncestor(ours, theirs.commit)) return theirs.commit
    const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', ours, theirs.commit]
    const { stdout, exitCode } = await git([...settled, ...args], {
      gitDir,
      signal,
      okExitCodes: [0, 1],
      keepBytes: 1024 ** 2,
      timeoutMs: 10 * 60_000,
    }).catch((error: Error) => {
      if (!/unrelated histories/.test(error.message)) throw error
      const message = `${named(theirs)} has no history in common with ${merged.map(named).join(', ')}`
      throw new TaskError('merge-unrelated', message, { cause: error })
    })
    const [tree = '', ...files] = stdout.split('\0').filter(Boolean)
    if (exitCode === 1) throw conflict(merged, theirs, files)
    const message = `Merge ${theirs.commit}`
    const written = await git(['commit-tree', tree, '-p', ours, '-p', theirs.commit, '-m', message], {
      gitDir,
      signal,
      environment: nobody,
    })
    return written.stdout.trim()
  }

  async function isAncestor(older: string, newer: string): Promise<boolean> {
    const args = ['merge-base', '--is-ancestor', older, newer]
    return (await git(args, { gitDir, signal, okExitCodes: [0, 1] })).exitCode === 0
  }
}

async function requireMergeTree(git: Git, gitDir: string, signal: AbortSignal): Promise<void> {
  const { stdout } = await git(['--version'], { gitDir, signal })
  const [, major = 0, minor = 0] = /(?<!\d)(\d+)\.(\d+)/.exec(stdout)?.map(Number) ?? []
  if (major > 2 || (major === 2 && minor >= 38)) return
  throw new TaskError(
    'git-too-old',
    `merging branches needs git 2.38 on the host, which has ${stdout.trim()}: upgrade git there`,
  )
}

async function createBorrowing(
  git: Git,
  commits: readonly FetchedCommit[],
  gitDir: string,
  signal: AbortSignal,
): Promise<void> {
  // Of a task that was cut short.
  await rm(gitDir, { recursive: true, force: true })
  await mkdir(gitDir, { recursive: true, mode: 0o700 })
  await git(['init', '--quiet', '--bare', '--template='], { gitDir, signal })
  await mkdir(join(gitDir, 'info'), { recursive: true })
  await writeFile(join(gitDir, 'info', 'attributes'), attributes)
  const lenders = new Set(commits.map((commit) => join(commit.gitDir, 'objects')))
  await mkdir(join(gitDir, 'objects', 'info'), { recursive: true })
  await writeFile(join(gitDir, 'objects', 'info', 'alternates'), `${[...lenders].join('\n')}\n`)
}

const named = ({ url, ref }: MergeableCommit) => `${ref} of ${redactUrls(url)}`

function conflict(merged: readonly MergeableCommit[], theirs: MergeableCommit, files: string[]): TaskError {
  const shown = [...new Set(files)].sort()
  return new TaskError(
    'merge-conflict',
    `${named(theirs)} cannot be merged onto ${merged.map(named).join(' + ')}: conflicts in ` +
      `${listShort(shown, 10)}; rebase it, or leave it out`,
  )
}
