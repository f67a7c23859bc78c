import { DomainError } from '../../errors.ts'
import type { Caller } from '../../governance/authorize.ts'

/** Undefined for tags and all else that is no branch. */
export const branchOfRef = (ref: string): string | undefined => /^refs\/heads\/(.+)$/.exec(ref)?.[1]

/**
 * The commit of a build that is wanted: a workflow's token builds what the workflow runs for, its own branch at its own
 * commit, and nothing else; everybody else what they ask for. Throws `workflow-ref`, `workflow-commit`.
 */
export function commitFor(
  { access }: Pick<Caller, 'access'>,
  { branch, commit }: { readonly branch: string; readonly commit: string },
): string {
  const { workflow } = access
  if (!workflow && access.role !== 'workflow') return commit
  const { ref, commit: own } = workflow ?? { ref: '', commit: '' }
  if (branchOfRef(ref) !== branch) {
    throw new DomainError(
      'forbidden',
      'workflow-ref',
      `This token is of a workflow that runs for ${ref || 'nothing known'}: it builds that branch only, not ${branch}.`,
    )
  }
  if (!own.startsWith(commit.toLowerCase())) {
    throw new DomainError(
      'forbidden',
      'workflow-commit',
      `This token is of a workflow that runs for commit ${own}: it builds that commit only. Leave the commit out.`,
    )
  }
  return own
}
