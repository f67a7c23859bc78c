import type { AppContext } from '../context.ts'
import { type Operation, operation, withTenant } from '../db/tenancy.ts'
import type { Caller } from '../governance/authorize.ts'
import { webhookSecretLabel } from '../services/projects/projects.ts'
import { type ClaimedRepository, pinOf } from '../services/projects/repository-pin.ts'
import type { Forge, SignedRequest } from './forge.ts'
import type { Mentions } from './mentions.ts'

/** A project whose secret signed a delivery. */
export interface Sender {
  readonly organizationId: string
  readonly projectId: string
  readonly project: string
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

/** Stands for an unknown repository, so that it costs the same work as a known one. */
const nobody = {
  id: '00000000-0000-0000-0000-000000000000',
  organization_id: '00000000-0000-0000-0000-000000000000',
}

/** Of one repository; a delivery that mentions more projects is tried for the first ones. */
const maxCandidates = 50

/**
 * The projects that the bytes mention and whose secret signed them; none for an unknown repository as for a bad signature,
 * after the same steps. Nothing is parsed before.
 */
export async function findSenders(
  context: AppContext,
  forge: Forge,
  request: SignedRequest,
  mentions: Mentions,
  requestId: string,
): Promise<Sender[]> {
  const { db, sealer } = context
  const candidates = await listCandidates(context, forge, mentions)
  const senders: Sender[] = []
  for (const { id, organization_id } of candidates.length > 0 ? candidates : [nobody]) {
    const place = { organizationId: organization_id, projectId: id }
    const row = await withTenant(db, callerOf(place, forge.name, requestId), (tx) =>
      tx
        .selectFrom('projects')
        .selectAll()
        .where('id', '=', id)
        .where('deleted_at', 'is', null)
        .executeTakeFirst(),
    )
    const secret = row
      ? sealer.open(row.webhook_secret_sealed, webhookSecretLabel(id)).toString()
      : sealer.derive('webhook:nobody')
    const signed = forge.isSigned(secret, request)
    if (!row || !signed) continue
    const slug = row.repository_slug.toLowerCase()
    const isOf = (repository: ClaimedRepository) =>
      repository.slug.toLowerCase() === slug ||
      (repository.pin !== undefined && repository.pin.repository === pinOf(row)?.repository)
    senders.push({ ...place, project: row.name, isOf })
  }
  return senders
}

async function listCandidates({ db }: AppContext, { name }: Forge, { slugs, ids }: Mentions) {
  const numbers = ids.map(Number).filter(Number.isSafeInteger)
  return await db.scheduler
    .selectFrom('projects')
    .select(['id', 'organization_id'])
    .where((eb) =>
      eb.or([
        ...(slugs.length > 0 ? [eb(eb.fn<string>('lower', ['repository_slug']), 'in', slugs)] : []),
        // Under another name than before.
        ...(numbers.length > 0 ? [eb('github_repository_id', 'in', numbers)] : []),
        ...(ids.length > 0
          ? [
              eb(
                'repository_uid',
                'in',
                ids.map((id) => `${name}:${id}`),
              ),
            ]
          : []),
      ]),
    )
    .orderBy('id')
    .limit(maxCandidates)
    .execute()
}
