import type { Selectable } from 'kysely'
import type { ProjectsTable } from '../../db/tables/projects.ts'
import { invalid } from '../../errors.ts'

/** A repository as GitHub counts them: ids are never given twice, names are. */
export interface RepositoryIds {
  readonly repositoryId: number
  readonly ownerId: number
}

/** The same at any forge, which is named before each: `github:1296269`, `gitlab:acme`. */
export interface RepositoryPin {
  readonly repository: string
  readonly owner: string
}

/** What somebody who has proved who they are says of a repository. */
export interface ClaimedRepository {
  /** `owner/name` as it is called now. */
  readonly slug: string
  /** Undefined where who sends it knows no ids. */
  readonly pin: RepositoryPin | undefined
  readonly defaultBranch?: string
  /** When the repository was last changed, by the git server's clock; undefined where it does not say. */
  readonly updatedAt?: Date
  /** Whether this is news of the repository itself (renamed, edited), and not of what was pushed to it. */
  readonly isNews?: boolean
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

export function githubPin(ids: RepositoryIds): RepositoryPin
export function githubPin(ids: RepositoryIds | undefined): RepositoryPin | undefined
export function githubPin(ids: RepositoryIds | undefined): RepositoryPin | undefined {
  return ids && { repository: `github:${ids.repositoryId}`, owner: `github:${ids.ownerId}` }
}

/** A pin as somebody gives it: `gitlab:42` of `gitlab:acme`. Throws `invalid-repository-id`. */
export function requirePin(repository: string, owner: string): RepositoryPin {
  const [forge = ''] = repository.split(':')
  const known = Object.hasOwn(forgeLabels, forge)
  const shape = /^[a-z]+:[\w{}./-]{1,300}$/
  if (known && shape.test(repository) && shape.test(owner) && owner.startsWith(`${forge}:`)) {
    if (forge !== 'github') return { repository, owner }
    const ids = [repository, owner].map((uid) => parseGithubId(uid.slice('github:'.length)))
    if (ids[0] && ids[1]) return { repository, owner }
  }
  throw invalid(
    'repository-id',
    'Give repository and owner as `fairway project show` writes them, such as gitlab:42 and gitlab:acme.',
  )
}

export type PinColumns = Pick<
  Selectable<ProjectsTable>,
  'github_repository_id' | 'github_owner_id' | 'repository_uid' | 'repository_owner_uid'
>

/** Undefined until the project was first seen with a repository that has ids. */
export function pinOf(project: PinColumns): RepositoryPin | undefined {
  const { github_repository_id: repositoryId, github_owner_id: ownerId } = project
  if (repositoryId !== null && ownerId !== null) return githubPin({ repositoryId, ownerId })
  const { repository_uid: repository, repository_owner_uid: owner } = project
  return repository !== null && owner !== null ? { repository, owner } : undefined
}

/** GitHub's ids stand in columns of their own: workflows of GitHub go by them, and by no other forge's. */
export function pinColumns({ repository, owner }: RepositoryPin): PinColumns {
  const github = repository.startsWith('github:')
  const number = (uid: string) => Number(uid.slice('github:'.length))
  return {
    github_repository_id: github ? number(repository) : null,
    github_owner_id: github ? number(owner) : null,
    repository_uid: github ? null : repository,
    repository_owner_uid: github ? null : owner,
  }
}

const forgeLabels: Readonly<Record<string, string>> = {
  github: 'GitHub',
  gitlab: 'GitLab',
  gitea: 'Gitea or Forgejo',
  bitbucket: 'Bitbucket',
}

/** The forge that gave a repository its id: `gitlab`. */
export const forgeOf = ({ repository }: RepositoryPin): string => repository.split(':')[0] ?? ''

/** `repository 7 of owner 9919 at GitHub` */
export function describePin(pin: RepositoryPin): string {
  const { repository, owner } = pin
  const forge = forgeOf(pin)
  const bare = (uid: string) => uid.slice(forge.length + 1)
  return `repository ${bare(repository)} of owner ${bare(owner)} at ${forgeLabels[forge] ?? forge}`
}

/** How an owner says that it is the right one. */
export function pinCommand(project: string, { repository, owner }: RepositoryPin): string {
  const bare = (uid: string) => (uid.startsWith('github:') ? uid.slice('github:'.length) : `'${uid}'`)
  return `fairway project pin ${project} --repository-id ${bare(repository)} --owner-id ${bare(owner)}`
}
