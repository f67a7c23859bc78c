import type { Selectable } from 'kysely'
import { audit } from '../../db/audit.ts'
import type { ProjectsTable } from '../../db/tables/projects.ts'
import type { Operation, Tx } from '../../db/tenancy.ts'
import { invalid } from '../../errors.ts'
import { renamedUrl } from './project-fields.ts'
import type { ClaimedRepository } from './repository-pin.ts'

// What a repository is called, and where that says agents clone it from.

type Project = Selectable<ProjectsTable>
type Named = Pick<Project, 'repository_slug' | 'former_slugs' | 'repository_updated_at'>

/** Of a repository that was renamed more often, the oldest names are forgotten. */
const maxFormerSlugs = 100

/** Nothing is known of a repository that the project was not of before. */
export const forgottenNames: Pick<Named, 'former_slugs' | 'repository_updated_at'> = {
  former_slugs: [],
  repository_updated_at: null,
}

export const isNewName = ({ repository_slug }: Pick<Named, 'repository_slug'>, slug: string): boolean =>
  !isSameName(repository_slug, slug)

const isSameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

/**
 * Whether the claim is of a time before what is known, so that neither name nor default branch are taken from it: deliveries
 * that failed come again, and others come late. By the git server's clock where it says when; a name that was left is an old
 * one as well, unless the git server says in an event of its own, and of a later time, that the repository has it again.
 */
export function isOutdated(project: Named, { slug, updatedAt, isNews }: ClaimedRepository): boolean {
  const { repository_updated_at: known, former_slugs: former } = project
  if (updatedAt && known && updatedAt < known) return true
  const wasLeft = isNewName(project, slug) && former.some((left) => isSameName(left, slug))
  const isNewer = updatedAt && known && updatedAt > known
  return wasLeft && !(isNews && isNewer)
}

/** What an outdated claim is answered with; undefined where its name is the one that is known. */
export function explainOutdated(project: Project, { slug }: ClaimedRepository): string | undefined {
  const { name, repository_slug: known, repository_url: url } = project
  if (!isNewName(project, slug)) return undefined
  return (
    `The delivery calls the repository ${slug}, which is an older name than ${known}: ${name} stays at ${url}. If the ` +
    `repository is called ${slug} again, an owner says so: \`fairway project update ${name} --repository URL\`.`
  )
}

/** Deliveries of an earlier state of the repository are outdated from now on. */
export async function noteUpdate(
  tx: Tx,
  { id, repository_updated_at: known }: Project,
  { updatedAt }: ClaimedRepository,
): Promise<void> {
  if (!updatedAt || (known && updatedAt <= known)) return
  await tx.updateTable('projects').set({ repository_updated_at: updatedAt }).where('id', '=', id).execute()
}

/**
 * Agents clone from where it is now: the old name may be somebody else's tomorrow. The address is known to be at the git
 * server that says the new name, or at least at no other. Throws `invalid-repository-url` where it does not follow.
 */
export async function rename(tx: Tx, op: Operation, project: Project, slug: string): Promise<void> {
  const { repository_url: url, repository_slug: before } = project
  if (!isNewName(project, slug)) return
  const renamed = renamedUrl(url, before, slug)
  if (renamed === undefined) {
    throw invalid(
      'repository-url',
      `The repository is called ${slug} now, which does not follow from the address ${url}: give its address as well, ` +
        'with `--repository URL`.',
    )
  }
  await readdress(tx, op, project, { slug, url: renamed })
}

export async function readdress(
  tx: Tx,
  op: Operation,
  project: Project,
  { slug, url }: { readonly slug: string; readonly url: string },
): Promise<void> {
  const { id, repository_slug: before } = project
  // A slug that is merely spelt out is not left: it still leads to the same place.
  const left = url === project.repository_url ? [] : [before]
  const former = [...project.former_slugs, ...left].filter((name) => !isSameName(name, slug))
  await tx
    .updateTable('projects')
    .set({ repository_slug: slug, repository_url: url, former_slugs: former.slice(-maxFormerSlugs) })
    .where('id', '=', id)
    .execute()
  const details = { before, now: slug, url }
  await audit(tx, op, 'project.rename-repository', { kind: 'project', id, projectId: id }, details)
}
