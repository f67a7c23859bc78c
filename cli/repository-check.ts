import type { RepositoryCheck } from '../proto/gen/fairway/v1/projects_pb.js'

/** What became of the check of a project's repository, in one line. */
export function checkLine(project: string, check: RepositoryCheck | undefined): string {
  const later = `fairway project check ${project}`
  if (!check) return `Its repository was not checked (${later}).`
  if (!check.done) return `Its repository was not checked: ${check.note}. Then: ${later}.`
  const who = `${check.hosts.length === 1 ? 'Host' : 'Hosts'} ${check.hosts.join(', ')} can read its repository`
  const more =
    check.passedOver > 0
      ? ` ${check.passedOver} more ${check.passedOver === 1 ? 'is' : 'are'} passed over: nothing is built of names that are no ` +
        'text (UTF-8) or longer than 240 characters.'
      : ''
  if (check.branchCount === 0) return `${who}, which has no branch yet: push one.${more}`
  const count = check.branchCount === 1 ? '1 branch' : `${check.branchCount} branches`
  const first = check.defaultBranch
    ? `, ${check.defaultBranch} its default one`
    : ', none of them its default one'
  return `${who}: ${count}${first}.${more}`
}
