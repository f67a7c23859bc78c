import type { PeerCertificate } from 'node:tls'
import type { AuthContext } from '@grpc/grpc-js/build/src/auth-context.js'
import type { AppContext } from '../context.ts'
import { DomainError } from '../errors.ts'
import { type PresentedCertificate, presentedCertificate } from './presented-certificate.ts'
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

/** A call of the link, as far as it matters who makes it. */
export interface LinkCall {
  getAuthContext(): AuthContext
}

/**
 * Who is calling, from a certificate that TLS has verified against our authority (chain, dates, purpose) and that is
 * still the host's newest or the one before. Fails closed: anything else throws DomainError `unauthenticated`, with a
 * reason for each thing that can be wrong.
 */
export async function authenticate({ db }: Pick<AppContext, 'db'>, call: LinkCall): Promise<Peer> {
  const { sslPeerCertificate: certificate } = call.getAuthContext()
  if (!certificate) throw unverified(presentedCertificate(call))
  // TLS looked when the connection began; this call may be much later.
  const expiresAtMs = Date.parse(certificate.valid_to)
  if (expiresAtMs < Date.now()) throw expired(certificate)
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
  if (!isCurrent(host.certificate_serial, serial)) throw outdated(host.certificate_serial)
  return { hostId, organizationId: host.organization_id, serial, expiresAtMs }
}

/** For a certificate that is not the host's any more; `newest` is empty for a host that was shut out. */
export function outdated(newest: string): DomainError {
  return newest === ''
    ? refuse(
        'certificate-revoked',
        'This host was revoked: it is shut out until it joins again with a new token',
      )
    : refuse(
        'certificate-replaced',
        'This certificate was replaced by a newer one of the same host: another agent has joined in its name, ' +
          'or this one was put back to an older state; join again with a new token',
      )
}

export const expired = ({ valid_to: until }: { readonly valid_to: string }): DomainError =>
  refuse(
    'certificate-expired',
    `The certificate ended at ${iso(until)}${serverClock()}; if that is right, join again with a new token`,
  )

const faults: Record<string, (certificate: PeerCertificate) => DomainError> = {
  CERT_HAS_EXPIRED: expired,
  CERT_NOT_YET_VALID: ({ valid_from: from }) =>
    refuse(
      'certificate-not-yet-valid',
      `The certificate begins at ${iso(from)}${serverClock()}; compare the clocks of both`,
    ),
  INVALID_PURPOSE: () =>
    refuse(
      'certificate-purpose',
      'The certificate is of this authority and was not made for a host; join with a token',
    ),
}

function unverified(presented: PresentedCertificate | undefined): DomainError {
  if (!presented) {
    return refuse('certificate-required', 'There is no client certificate; join with a token')
  }
  const named = faults[presented.fault]?.(presented.certificate)
  return (
    named ??
    refuse(
      'certificate-foreign',
      'The certificate is of another authority: this host joined another fleet, or this one was set up anew; ' +
        `join again with a new token (${presented.fault})`,
    )
  )
}

const iso = (time: string) => new Date(time).toISOString()
const serverClock = () => `, and this server's clock says ${new Date().toISOString()}`
