import { TaskError } from '../tasks/task.ts'

/** What is wanted of a repository, by commit, branch or any ref. */
export interface Named {
  commit: string
  branch: string
  ref?: string
  onBranch?: boolean
}

/** Throws TaskError for what git could take for something else than a commit id, a branch or a ref. */
export function requireNames({ commit, branch, ref, onBranch }: Named): void {
  const isShort = commit !== '' && !isCommitId(commit)
  // Without a branch there is nothing to look for the rest of it in.
  if (isShort && !(isShortId(commit) && branch))
    throw new TaskError('commit-missing', `${commit.slice(0, 80)} is no full commit id`)
  if (ref && !isRefName(ref))
    throw new TaskError('ref-missing', `${JSON.stringify(ref.slice(0, 80))} is no name of a branch or tag`)
  if (((!commit && !ref) || onBranch || isShort) && !isRefName(branch))
    throw new TaskError('branch-missing', `${JSON.stringify(branch.slice(0, 80))} is no name of a branch`)
}

export const isCommitId = (text: string): boolean => /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(text)
const isShortId = (text: string): boolean => /^[0-9a-f]{7,39}$/.test(text)

/** The rules of git-check-ref-format. */
function isRefName(name: string): boolean {
  if (name.length === 0 || name.length > 240 || name.startsWith('-')) return false
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\/$|\.$|^@$/.test(name)) return false
  return name.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'))
}

/** The full names that a short one may stand for, as `git fetch` tries them, but branches first. */
export function candidatesOf({ branch, ref }: Named): string[] {
  if (!ref) return [`refs/heads/${branch}`]
  if (ref === 'HEAD' || ref.startsWith('refs/')) return [ref]
  return [`refs/heads/${ref}`, `refs/tags/${ref}`]
}
