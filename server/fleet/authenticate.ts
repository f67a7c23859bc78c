import type { AuthContext } from '@grpc/grpc-js/build/src/auth-context.js'
import type { AppContext } from '../context.ts'
import { DomainError } from '../errors.ts'
import { isCurrent } from './serials.ts'

/** A host whose certificate was checked. */
export interface Peer {
  readonly hostId: string
  readonly organizationId: string
  readonly serial: string
  readonly expiresAtMs: number
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
export const isUuid = (text: string) => uuid.test(text)

const refuse = (reason: string, message: string) => new DomainError('unauthenticated', reason, message)

/**
 * Who is calling, from a certificate that TLS has verified against our authority (chain, dates, purpose) and that is
 * still the host's newest or the one before. Fails closed: anything else throws DomainError `unauthenticated`.
 */
export async function authenticate(
  { db }: Pick<AppContext, 'db'>,
  { sslPeerCertificate: certificate }: AuthContext,
): Promise<Peer> {
  if (!certificate) {
    throw refuse(
      'certificate-required',
      'No valid client certificate: it is missing, expired, not yet valid, or of another authority. ' +
        'Check the clock of this host; if the certificate ended, join again with a new token.',
    )
  }
  const hostId = String(certificate.subject.CN)
  const serial = certificate.serialNumber.toLowerCase()
  const host = isUuid(hostId)
    ? await db.scheduler
        .selectFrom('hosts')
        .select(['organization_id', 'certificate_serial'])
        .where('id', '=', hostId)
        .executeTakeFirst()
    : undefined
  if (!host) throw refuse('host-unknown', 'This host is not known here any more; join again with a new token')
  if (!isCurrent(host.certificate_serial, serial)) {
    throw refuse(
      'certificate-revoked',
      'This certificate was revoked or replaced; join again with a new token',
    )
  }
  return {
    hostId,
    organizationId: host.organization_id,
    serial,
    expiresAtMs: Date.parse(certificate.valid_to),
  }
}
