import { audit } from '../../db/audit.ts'
import type { Operation, Tx } from '../../db/tenancy.ts'
import { DomainError, invalid } from '../../errors.ts'
import { parseRepositoryUrl } from './project-fields.ts'

/** A repository as GitHub counts them: ids are never given twice, names are. */
export interface RepositoryIds {
  readonly repositoryId: number
  readonly ownerId: number
}

export interface ClaimedRepository {
  /** `owner/name` as it is called now. */
  readonly slug: string
  /** Undefined where who sends it knows no ids: a git server that is not GitHub. */
  readonly ids: RepositoryIds | undefined
}

/** An id as GitHub writes it, in JSON or in the claims of a token. */
export const parseGithubId = (value: unknown): number | undefined => {
  const id = typeof value === 'string' && /^[1-9]\d{0,15}$/.test(value) ? Number(value) : value
  return typeof id === 'number' && Number.isSafeInteger(id) && id > 0 ? id : undefined
}

/** Ids as somebody gives them; 0 for none. Throws `invalid-repository-id`. */
export function requireRepositoryIds(repositoryId: bigint, ownerId: bigint): RepositoryIds | undefined {
  if (repositoryId === 0n && ownerId === 0n) return undefined
  const ids = { repositoryId: parseGithubId(String(repositoryId)), ownerId: parseGithubId(String(ownerId)) }
  if (ids.repositoryId && ids.ownerId) return { repositoryId: ids.repositoryId, ownerId: ids.ownerId }
  throw invalid(
    'repository-id',
    'Give both ids, of the repository and of its owner: `gh api repos/OWNER/NAME --jq ".id, .owner.id"`.',
  )
}

/**
 * Holds the project to the repository it was first seen with: what the claim says has been verified (a signature of the
 * project's webhook secret, or of the workflows' issuer), and is pinned when nothing is yet. The same repository under a
 * new name goes on, under that name. The transaction is the server's own. Throws `repository-changed`.
 */
export async function requireSameRepository(
  tx: Tx,
  op: Operation,
  projectId: string,
  { slug, ids }: ClaimedRepository,
): Promise<void> {
  const project = await tx
    .selectFrom('projects')
    .select(['name', 'repository_url', 'repository_slug', 'github_repository_id', 'github_owner_id'])
    .where('id', '=', projectId)
    .executeTakeFirstOrThrow()
  const { github_repository_id: repositoryId, github_owner_id: ownerId } = project
  if (repositoryId === null || ownerId === null) {
    if (ids) await pinRepository(tx, op, projectId, ids)
    return
  }
  if (!ids || ids.repositoryId !== repositoryId || ids.ownerId !== ownerId) {
    const said = ids ? `repository ${ids.repositoryId} of owner ${ids.ownerId}` : 'a repository without ids'
    throw new DomainError(
      'forbidden',
      'repository-changed',
      `The project ${project.name} is of repository ${repositoryId} of owner ${ownerId} at GitHub, and ${slug} now is ` +
        `${said}: it was made anew or given to somebody else. If that is right, an owner says so: ` +
        `\`fairway project pin ${project.name} --repository-id ID --owner-id ID\`.`,
    )
  }
  if (project.repository_slug.toLowerCase() !== slug.toLowerCase()) {
    await rename(tx, op, projectId, project, slug)
  }
}

/** First use, or an owner's word. */
export async function pinRepository(
  tx: Tx,
  op: Operation,
  projectId: string,
  ids: RepositoryIds,
): Promise<void> {
  await tx
    .updateTable('projects')
    .set({ github_repository_id: ids.repositoryId, github_owner_id: ids.ownerId })
    .where('id', '=', projectId)
    .execute()
  await audit(tx, op, 'project.pin', { kind: 'project', id: projectId, projectId }, { ...ids })
}

/** Agents clone from where it is now: the old name may be somebody else's tomorrow. */
async function rename(
  tx: Tx,
  op: Operation,
  projectId: string,
  { repository_url: url, repository_slug: before }: { repository_url: string; repository_slug: string },
  slug: string,
): Promise<void> {
  const at = url.lastIndexOf(before)
  const renamed = at < 0 ? url : url.slice(0, at) + slug + url.slice(at + before.length)
  const repository_url = parseRepositoryUrl(renamed).slug === slug ? renamed : url
  await tx
    .updateTable('projects')
    .set({ repository_slug: slug, repository_url })
    .where('id', '=', projectId)
    .execute()
  const details = { before, now: slug, url: repository_url }
  await audit(tx, op, 'project.rename-repository', { kind: 'project', id: projectId, projectId }, details)
}
