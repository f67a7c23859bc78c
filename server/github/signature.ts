import { isUtf8 } from 'node:buffer'
import { verify } from '@octokit/webhooks-methods'
import type { AppContext } from '../context.ts'
import { operation, withTenant } from '../db/tenancy.ts'
import type { Caller } from '../governance/authorize.ts'
import { webhookSecretLabel } from '../services/projects/projects.ts'
import { type RepositoryIds, requireSameRepository } from '../services/projects/repository-pin.ts'

export interface Sender {
  readonly caller: Caller
  readonly projectId: string
  readonly project: string
}

/** Stands for an unknown repository, so that it costs the same work as a known one. */
const nobody = {
  id: '00000000-0000-0000-0000-000000000000',
  organization_id: '00000000-0000-0000-0000-000000000000',
}

/**
 * The projects of that repository whose secret signed these bytes; none for an unknown repository as for a bad
 * signature, after the same steps. `pusher` is who the payload says; it is believed once the signature holds. Throws
 * `repository-changed` where the signature holds, and the repository is not the one that the project was first seen with.
 */
export async function findSenders(
  { db, sealer }: AppContext,
  request: {
    slug: string
    ids: RepositoryIds | undefined
    body: Buffer
    signature: string
    pusher: string
    requestId: string
  },
): Promise<Sender[]> {
  const candidates = await db.scheduler
    .selectFrom('projects')
    .select(['id', 'organization_id'])
    .where((eb) =>
      eb.or([
        eb(eb.fn<string>('lower', ['repository_slug']), '=', request.slug.toLowerCase()),
        // Under another name than before.
        ...(request.ids ? [eb('github_repository_id', '=', request.ids.repositoryId)] : []),
      ]),
    )
    .execute()
  const senders: Sender[] = []
  for (const candidate of candidates.length > 0 ? candidates : [nobody]) {
    const caller: Caller = {
      organizationId: candidate.organization_id,
      actor: `github:${request.pusher}`,
      requestId: request.requestId,
      access: { role: 'webhook', projects: [candidate.id], projectRoles: new Map(), scopes: [] },
    }
    const row = await withTenant(db, caller, (tx) =>
      tx
        .selectFrom('projects')
        .select(['name', 'webhook_secret_sealed'])
        .where('id', '=', candidate.id)
        .executeTakeFirst(),
    )
    const secret = row
      ? sealer.open(row.webhook_secret_sealed, webhookSecretLabel(candidate.id)).toString()
      : sealer.derive('webhook:nobody')
    const signed = await isSigned(secret, request.body, request.signature)
    if (row && signed) {
      const own = operation(candidate.organization_id, caller.actor, request.requestId)
      await withTenant(db, own, (tx) => requireSameRepository(tx, own, candidate.id, request))
      senders.push({ caller, projectId: candidate.id, project: row.name })
    }
  }
  return senders
}

/** HMAC-SHA-256 over the raw bytes, compared in constant time. Bytes that are no UTF-8 were not sent by GitHub. */
async function isSigned(secret: string, body: Buffer, signature: string): Promise<boolean> {
  if (body.length === 0 || signature === '' || !isUtf8(body)) return false
  return await verify(secret, body.toString('utf8'), signature)
}
