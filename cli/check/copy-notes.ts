import { listShort } from '../../lib/words/list-short.ts'
import type { Findings } from './findings.ts'
import { type Git, splitZero } from './git.ts'
import type { WorkingCopy } from './working-copy.ts'

const shown = 5

/** How what is read differs from what a push would take along. */
export async function noteCopy(copy: WorkingCopy, git: Git, { add }: Findings): Promise<void> {
  const { root, isGit, submodules, missing, strangers } = copy
  if (!isGit) return add('note', 'this is no working copy of git: all files of the folder are read')
  const entries = [...splitZero((await git(root, statusArguments)) ?? Buffer.alloc(0))].map(String)
  const changed = entries.map((entry) => entry.slice(3))
  if (changed.length > 0) {
    const differ = changed.length === 1 ? '1 file differs' : `${changed.length} files differ`
    const head = (await git(root, ['rev-parse', '--verify', '--quiet', '--short', 'HEAD']))?.toString().trim()
    const from = head ? `the last commit, ${head}` : 'what is committed, which is nothing'
    add('note', `${differ} from ${from}: ${listShort(changed, shown)}; a push takes along what is committed`)
  }
  const taken = entries.filter((entry) => entry.slice(0, 2).includes('D')).length
  if (missing > taken)
    add('note', `${missing - taken} files that git knows are not in the folder, and not read`)
  const lacking = submodules.filter(({ state }) => state !== 'read').map(({ path }) => path)
  if (lacking.length > 0)
    add(
      'note',
      `not looked at: the ${lacking.length === 1 ? 'submodule' : 'submodules'} ${listShort(lacking, shown)}, not checked out; ` +
        'git submodule update --init --recursive brings them',
    )
  const other = submodules.filter(({ isOther }) => isOther).map(({ path }) => path)
  if (other.length > 0)
    add('note', `not at the commit that is pinned, and read as they are: ${listShort(other, shown)}`)
  if (strangers.length > 0)
    add('note', `repositories of their own, which git does not push: ${listShort(strangers, shown)}`)
}

const statusArguments = ['status', '--porcelain=v1', '-z', '--untracked-files=all', '--no-renames']
