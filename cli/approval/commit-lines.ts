import { counted } from '../format.ts'
import type { ApprovalCommitsJson } from '../json/approval.ts'
import type { Look } from '../release/listing.ts'
import { oneLine, renderTable } from '../table.ts'

type Commit = ApprovalCommitsJson['added'][number]

const mostShown = 10

/** What would be served that is not now, and what would be served no more; or why nobody knows. */
export function commitLines(look: Look, commits: ApprovalCommitsJson): string[] {
  const { since, added, addedCount, removed, removedCount, unknown, build } = commits
  const { paint } = look
  const served = `${since.slice(0, 10)}, which production serves`
  if (unknown) return ['', paint('yellow', `The commits since ${served}, are not known: ${oneLine(unknown)}`)]
  const by = build === null ? '' : ` (as the agent of build ${build} found them)`
  const head = addedCount === 0 ? 'No new commit' : counted(addedCount, 'commit')
  return [
    '',
    `${head} since ${served}${by}${addedCount > 0 ? ':' : ''}`,
    ...commitTable(look, added, addedCount),
    ...(removedCount === 0
      ? []
      : [
          '',
          paint('yellow', `${counted(removedCount, 'commit')} that production serves would be gone:`),
          ...commitTable(look, removed, removedCount),
        ]),
  ]
}

function commitTable({ paint, width }: Look, commits: readonly Commit[], count: number): string[] {
  if (commits.length === 0) return []
  const [, ...lines] = renderTable(
    commits.slice(0, mostShown),
    [
      { title: 'COMMIT', value: ({ id }) => id.slice(0, 10), whole: true },
      { title: 'AUTHOR', value: ({ author }) => author },
      { title: 'SUBJECT', value: ({ subject }) => subject },
    ],
    width - 2,
  )
  const rest = count - Math.min(commits.length, mostShown)
  const more = `… and ${rest} more${commits.length > mostShown ? ` (--json has ${commits.length})` : ''}`
  return [...lines, ...(rest > 0 ? [paint('dim', more)] : [])].map((line) => `  ${line}`)
}
