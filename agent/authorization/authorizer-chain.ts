import { type KeyObject, X509Certificate } from 'node:crypto'

/** The purpose of the authorizer's certificate: server/fleet/certificates.ts says where the number is from. */
const authorizerUsage = '2.25.318230628882957795117745917174132128309'

/** Why a certificate is not the authorizer's, for people. */
class UntrustedCertificate extends Error {
  override name = 'UntrustedCertificate'
}

/**
 * The authorizer's public key from a JWS header's `x5c`: an end entity that our authority itself has issued for that
 * purpose and no other, in its time. Certificates of hosts and servers are of the same authority and not of this purpose.
 *
 * @param authority PEM of the authority pinned when this host joined
 * @throws UntrustedCertificate
 */
export function authorizerKeyOf(
  x5c: unknown,
  authority: string,
  at: { readonly ms: number; readonly toleranceMs: number },
): KeyObject {
  const certificate = parse(x5c)
  const root = new X509Certificate(authority)
  if (!certificate.checkIssued(root) || !certificate.verify(root.publicKey)) {
    throw new UntrustedCertificate('its certificate is not of the authority that this host joined')
  }
  const { keyUsage } = certificate
  if (certificate.ca || keyUsage?.length !== 1 || keyUsage[0] !== authorizerUsage) {
    throw new UntrustedCertificate(`its certificate (${certificate.subject}) is not the authorizer's`)
  }
  if (at.ms + at.toleranceMs < certificate.validFromDate.getTime()) {
    throw new UntrustedCertificate(`its certificate begins at ${certificate.validFromDate.toISOString()}`)
  }
  if (at.ms - at.toleranceMs > certificate.validToDate.getTime()) {
    throw new UntrustedCertificate(`its certificate ended at ${certificate.validToDate.toISOString()}`)
  }
  return certificate.publicKey
}

function parse(x5c: unknown): X509Certificate {
  const [first] = Array.isArray(x5c) ? x5c : []
  if (typeof first !== 'string') throw new UntrustedCertificate('it has no certificate')
  try {
    return new X509Certificate(Buffer.from(first, 'base64'))
  } catch (cause) {
    throw new UntrustedCertificate('its certificate cannot be read', { cause })
  }
}
