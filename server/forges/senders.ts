import { sql } from 'kysely'
import type { AppContext } from '../context.ts'
import { type Operation, operation, withTenant } from '../db/tenancy.ts'
import type { Caller } from '../governance/authorize.ts'
import { isPathOf } from '../services/projects/project-fields.ts'
import { webhookSecretLabel } from '../services/projects/projects.ts'
import { type ClaimedRepository, parseGithubId, pinOf } from '../services/projects/repository-pin.ts'
import type { Forge } from './forge.ts'
import { isProvedWith, type Proof } from './proof.ts'
import type { NamedRepository } from './repository-scan.ts'

/** A project whose secret signed a delivery. */
export interface Sender {
  readonly organizationId: string
  readonly projectId: string
  readonly project: string
  /** Of the project's repository. */
  readonly slug: string
  /** Whether that is the project's repository, by its name or by its id. */
  readonly isOf: (repository: ClaimedRepository) => boolean
}

type Place = Pick<Sender, 'organizationId' | 'projectId'>

/** On behalf of whoever the payload names. */
export const callerOf = ({ organizationId, projectId }: Place, actor: string, requestId: string): Caller => ({
  organizationId,
  actor,
  requestId,
  access: { role: 'webhook', projects: [projectId], projectRoles: new Map(), scopes: [] },
})

/** What the server itself notes of a delivery. */
export const ownOperation = (sender: Place, actor: string, requestId: string): Operation =>
  operation(sender.organizationId, actor, requestId)

/** What a delivery says before anybody has vouched for it. */
export interface UnprovenDelivery {
  readonly forge: Forge
  readonly proof: Proof
  readonly body: Buffer
  readonly named: NamedRepository
  /** The project's id, where the webhook's address has it. */
  readonly projectId: string | undefined
  readonly requestId: string
}

/** Stands for an unknown repository, so that it costs the same work as a known one. */
const nobody: Place = {
  projectId: '00000000-0000-0000-0000-000000000000',
  organizationId: '00000000-0000-0000-0000-000000000000',
}

/**
 * Projects of one repository whose secrets a delivery is held against: always that many, whoever it names. Where there are
 * more, the webhook's address says which one is meant.
 */
export const triedProjects = 4

/**
 * The projects of the repository that the bytes name and whose secret proves them; none for an unknown repository as for a
 * bad signature, after the same steps.
 */
export async function findSenders(context: AppContext, delivery: UnprovenDelivery): Promise<Sender[]> {
  const known = await listCandidates(context, delivery)
  if (known.length > triedProjects) {
    const { requestId, named } = delivery
    context.log.warn({ requestId, named }, `more than ${triedProjects} projects of one repository`)
  }
  const senders: Sender[] = []
  for (let at = 0; at < triedProjects; at++) {
    const sender = await proveSender(context, delivery, known[at] ?? nobody)
    if (sender) senders.push(sender)
  }
  return senders
}

async function proveSender(
  { db, sealer }: AppContext,
  { forge, proof, body, requestId }: UnprovenDelivery,
  place: Place,
): Promise<Sender | undefined> {
  const row = await withTenant(db, callerOf(place, forge.name, requestId), (tx) =>
    tx
      .selectFrom('projects')
      .selectAll()
      .where('id', '=', place.projectId)
      .where('deleted_at', 'is', null)
      .executeTakeFirst(),
  )
  const secret = row
    ? sealer.open(row.webhook_secret_sealed, webhookSecretLabel(row.id)).toString()
    : sealer.derive('webhook:nobody')
  const isProved = await isProvedWith(secret, proof, body)
  if (!row || !isProved) return undefined
  const isOf = (repository: ClaimedRepository) =>
    repository.slug.toLowerCase() === row.repository_slug.toLowerCase() ||
    isPathOf(row.repository_url, repository.slug) ||
    (repository.pin !== undefined && repository.pin.repository === pinOf(row)?.repository)
  return { ...place, project: row.name, slug: row.repository_slug, isOf }
}

/** Those that were seen with that very repository first, and then the oldest: nobody pushes them aside by making more. */
export async function listCandidates(
  { db }: Pick<AppContext, 'db'>,
  { forge, named: { slug, id }, projectId }: Pick<UnprovenDelivery, 'forge' | 'named' | 'projectId'>,
): Promise<Place[]> {
  if (!forge.place) return await listAddressed({ db }, projectId)
  const isPinned = sql<boolean>`coalesce(repository_uid = ${uidOf(forge, id)}
    or github_repository_id = ${githubIdOf(forge, id)}, false)`
  const own = sql.ref('repository_slug')
  const named = (slug ?? '').toLowerCase()
  const isExact = sql<boolean>`lower(${own}) = ${named}`
  // Slugs of before had two parts, and those of git servers in a folder have the folder until the first delivery.
  const isAlike = sql<boolean>`lower(substring(${own} from '[^/]+/[^/]+$')) = ${named.split('/').slice(-2).join('/')}
    and (right('/' || ${named}, length(${own}) + 1) = '/' || lower(${own})
      or right('/' || lower(${own}), ${named.length + 1}) = '/' || ${named})`
  let query = db.scheduler
    .selectFrom('projects')
    .select(['id as projectId', 'organization_id as organizationId'])
    .where((eb) => eb.or([isExact, isAlike, isPinned]))
    .orderBy(isPinned, 'desc')
    .orderBy(isExact, 'desc')
    .orderBy('created_at')
    .orderBy('id')
    .limit(triedProjects + 1)
  if (projectId !== undefined) query = query.where('id', '=', projectId)
  return await query.execute()
}

/** Of a delivery that names no repository. */
async function listAddressed(
  { db }: Pick<AppContext, 'db'>,
  projectId: string | undefined,
): Promise<Place[]> {
  if (projectId === undefined) return []
  return await db.scheduler
    .selectFrom('projects')
    .select(['id as projectId', 'organization_id as organizationId'])
    .where('id', '=', projectId)
    .execute()
}

const uidOf = ({ name }: Forge, id: string | undefined) => (id === undefined ? null : `${name}:${id}`)

/** Gitea's were taken for GitHub's once. */
const githubIdOf = ({ name }: Forge, id: string | undefined) =>
  name === 'github' || name === 'gitea' ? (parseGithubId(id) ?? null) : null
