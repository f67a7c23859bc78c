import type { RepositoryAnswer } from '../../db/record.ts'
import { DomainError } from '../../errors.ts'

export interface Answered {
  readonly host: string
  readonly answer: Pick<RepositoryAnswer, 'defaultBranch' | 'heads'>
}

const named = 3

/**
 * A path is each host's own, and builds go to any: what one of them has is the repository only where the others have the same.
 * Throws `repository-differs`, which says what differs.
 */
export function requireAgreement(url: string, answers: readonly Answered[]): void {
  const [first, ...others] = answers
  if (!first) return
  for (const other of others) {
    const differences = listDifferences(first, other)
    if (differences.length === 0) continue
    const said = differences.slice(0, named).join('; ')
    const more = differences.length > named ? ` and ${differences.length - named} more` : ''
    throw new DomainError(
      'wrong-state',
      'repository-differs',
      `${url} is not the same on the hosts ${first.host} and ${other.host}: ${said}${more}. Let them share one folder, or give ` +
        'an address that all hosts can fetch from (https://, ssh://). Where somebody pushes right now, try again.',
    )
  }
}

function listDifferences({ answer: one }: Answered, { answer: other }: Answered): string[] {
  const differences: string[] = []
  if (one.defaultBranch !== other.defaultBranch)
    differences.push(
      `the default branch is ${one.defaultBranch || 'none'} and ${other.defaultBranch || 'none'}`,
    )
  const [heads, otherHeads] = [headsOf(one), headsOf(other)]
  for (const branch of new Set([...heads.keys(), ...otherHeads.keys()])) {
    const [at, otherAt] = [heads.get(branch), otherHeads.get(branch)]
    if (at !== otherAt) differences.push(`${branch} is ${place(at)} and ${place(otherAt)}`)
  }
  return differences
}

const headsOf = ({ heads }: Answered['answer']) =>
  new Map(heads.map(({ branch, commit }) => [branch, commit]))
const place = (commit: string | undefined) =>
  commit === undefined ? 'not there' : `at ${commit.slice(0, 12)}`
