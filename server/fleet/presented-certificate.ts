import { type PeerCertificate, TLSSocket } from 'node:tls'

/** The certificate that a peer showed and TLS did not verify. */
export interface PresentedCertificate {
  /** OpenSSL's word for what is wrong with it: `CERT_HAS_EXPIRED`. */
  readonly fault: string
  readonly certificate: PeerCertificate
}

/**
 * What a peer showed, and why it was not enough; undefined when it showed none. grpc-js hands out certificates that
 * verified, and nothing about others: this looks at the socket beneath the call. A release that keeps it elsewhere makes
 * refusals less precise, never fewer (test/faults/certificates.test.ts notices).
 */
export function presentedCertificate(call: object): PresentedCertificate | undefined {
  const { call: inner } = call as { call?: { stream?: { session?: { socket?: unknown } } } }
  const socket = inner?.stream?.session?.socket
  // HTTP/2 sessions give out a proxy of their socket.
  if (!(socket instanceof TLSSocket)) return undefined
  const certificate = socket.getPeerCertificate()
  if (!certificate?.raw) return undefined
  return { fault: String(socket.authorizationError ?? ''), certificate }
}
