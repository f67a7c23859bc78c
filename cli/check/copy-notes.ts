import { listShort } from '../../lib/words/list-short.ts'
import { findChanges } from './changed-files.ts'
import type { Findings } from './findings.ts'
import type { Git } from './git.ts'
import type { WorkingCopy } from './working-copy.ts'

const shown = 5

/** How what is read differs from what a push would take along. */
export async function noteCopy(copy: WorkingCopy, git: Git, { add }: Findings): Promise<void> {
  const { isGit, submodules, sparse, strangers } = copy
  if (!isGit) return add('note', 'this is no working copy of git: all files of the folder are read')
  const { head, changed, unknown, isPartial } = await findChanges(copy, git)
  if (changed.length > 0) {
    const differ = changed.length === 1 ? '1 file differs' : `${changed.length} files differ`
    const from = head ? `the last commit, ${head}` : 'what is committed, which is nothing'
    add('note', `${differ} from ${from}: ${listShort(changed, shown)}; a push takes along what is committed`)
  }
  if (unknown.length > 0)
    add(
      'note',
      `read as they are in the folder, as no filter of git is run to see what a push takes along: ${listShort(unknown, shown)}`,
    )
  if (isPartial)
    add('note', 'what is staged is not compared with the last commit, which git would have to fetch first')
  if (sparse > 0) add('note', `${sparse} files that git knows are not in the folder, and not read`)
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
