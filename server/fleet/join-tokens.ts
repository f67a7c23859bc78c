import { createHash, randomUUID } from 'node:crypto'
import type { EnrollRequest } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { AppContext } from '../context.ts'
import { audit } from '../db/audit.ts'
import { notify } from '../db/signals.ts'
import { type Operation, operation, type Tx, withTenant } from '../db/tenancy.ts'
import { DomainError, invalid } from '../errors.ts'
import type { Authority } from './authority.ts'
import { newLineage } from './serials.ts'

export interface Enrolled {
  readonly hostId: string
  readonly hostName: string
  readonly certificate: string
}

const unknownToken = () =>
  new DomainError(
    'unauthenticated',
    'join-token-unknown',
    'This join token is not known here; make a new one',
  )

const refusals = {
  'join-token-void':
    'This join token was made before its host was revoked; make a new one (fairway host join-token)',
  'join-token-used': 'This join token was used already: each one joins one host, once; make a new one',
  'join-token-expired': 'This join token has expired; make a new one',
}

/**
 * Buys a host's first certificate with a join token. The token is spent in the transaction that writes the host and
 * the audit row: of any number of concurrent uses one succeeds. A refused use of a token that exists is audited.
 */
export async function enroll(
  context: Pick<AppContext, 'db'>,
  authority: Authority,
  request: EnrollRequest,
): Promise<Enrolled> {
  const { db } = context
  const tokenHash = createHash('sha256').update(request.token).digest()
  const token = await db.scheduler
    .selectFrom('join_tokens')
    .select(['id', 'organization_id'])
    .where('token_hash', '=', tokenHash)
    .executeTakeFirst()
  if (!token) throw unknownToken()
  const newId = randomUUID()
  const serial = newLineage()
  const op = operation(token.organization_id, `join-token:${token.id}`)
  const outcome = await withTenant(db, op, async (tx) => {
    const spent = await tx
      .updateTable('join_tokens')
      .set({ used_at: new Date() })
      .where('id', '=', token.id)
      .where('used_at', 'is', null)
      .where('expires_at', '>', new Date())
      .returning(['host_name', 'created_at'])
      .executeTakeFirst()
    if (!spent) return await refuse(tx, op, token.id)
    if (await isShutOutSince(tx, spent)) return await refuse(tx, op, token.id, 'join-token-void')
    const hostId = await writeHost(tx, op, { newId, named: spent.host_name, asks: request.hostName })
    // Signing before the commit: a request that cannot be certified must not spend the token.
    const { certificate, expiresAt } = await authority.issueClient(request.csr, { id: hostId.id, serial })
    await tx
      .updateTable('hosts')
      .set({ certificate_serial: serial, certificate_expires_at: expiresAt, ...welcomedBack })
      .where('id', '=', hostId.id)
      .execute()
    await tx.updateTable('join_tokens').set({ host_id: hostId.id }).where('id', '=', token.id).execute()
    // Streams of an earlier enrolment end.
    await notify(tx, { kind: 'host', id: hostId.id })
    await audit(tx, op, 'host.joined', { kind: 'host', id: hostId.id }, { name: hostId.name, serial })
    return { hostId: hostId.id, hostName: hostId.name, certificate }
  })
  if (outcome instanceof DomainError) throw outcome
  return outcome
}

/** A host that was shut out or locked may come back with its new certificate. */
const welcomedBack = {
  status: 'offline',
  revoked_at: null,
  advice: '',
  boot_id: '',
  previous_boot_id: '',
} as const

/** Whoever had a token for the host when it was shut out is not to come back with it. */
async function isShutOutSince(tx: Tx, token: { host_name: string; created_at: Date }): Promise<boolean> {
  if (!token.host_name) return false
  const host = await tx
    .selectFrom('hosts')
    .select('revoked_at')
    .where('name', '=', token.host_name)
    .executeTakeFirst()
  return host?.revoked_at !== null && host?.revoked_at !== undefined && token.created_at <= host.revoked_at
}

async function refuse(tx: Tx, op: Operation, tokenId: string, why?: 'join-token-void'): Promise<DomainError> {
  const row = await tx
    .selectFrom('join_tokens')
    .select('used_at')
    .where('id', '=', tokenId)
    .executeTakeFirstOrThrow()
  const reason = why ?? (row.used_at ? 'join-token-used' : 'join-token-expired')
  await audit(tx, op, 'host.join-refused', { kind: 'join-token', id: tokenId }, { reason })
  return new DomainError('unauthenticated', reason, refusals[reason])
}

const hostNamePattern = /^[a-z0-9][a-z0-9.-]{0,62}$/

/**
 * A token that names its host may replace that host's certificate (the machine was set up anew); one that leaves the
 * name to the host cannot take over a name that is in use.
 */
async function writeHost(
  tx: Tx,
  op: Operation,
  { newId, named, asks }: { newId: string; named: string; asks: string },
): Promise<{ id: string; name: string }> {
  const name = (named || asks).toLowerCase()
  if (!hostNamePattern.test(name)) {
    throw invalid('host-name', `A host cannot be called "${name}": use letters, digits, dots and hyphens`)
  }
  const known = await tx.selectFrom('hosts').select('id').where('name', '=', name).executeTakeFirst()
  if (known && named) return { id: known.id, name }
  if (known) {
    throw new DomainError(
      'duplicate',
      'host-name-taken',
      `There is a host ${name} already. Join under another name (--name), or make a token for that host.`,
    )
  }
  await tx.insertInto('hosts').values({ id: newId, organization_id: op.organizationId, name }).execute()
  return { id: newId, name }
}
