import type { RepositoryCheck } from '../proto/gen/fairway/v1/projects_pb.js'

/** What became of the check of a project's repository, in one line. */
export function checkLine(project: string, check: RepositoryCheck | undefined): string {
  const later = `fairway project check ${project}`
  if (!check) return `Its repository was not checked (${later}).`
  if (!check.done) return `Its repository was not checked: ${check.note}. Then: ${later}.`
  const who = `${check.hosts.length === 1 ? 'Host' : 'Hosts'} ${check.hosts.join(', ')} can read its repository`
  if (check.branchCount === 0) return `${who}, which has no branch yet: push one.`
  const count = check.branchCount === 1 ? '1 branch' : `${check.branchCount} branches`
  const first = check.defaultBranch
    ? `, ${check.defaultBranch} its default one`
    : ', none of them its default one'
  return `${who}: ${count}${first}.`
}
