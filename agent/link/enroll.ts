import { createHash, X509Certificate } from 'node:crypto'
import { connect, type DetailedPeerCertificate } from 'node:tls'
import { create } from '@bufbuild/protobuf'
import { Client, credentials } from '@grpc/grpc-js'
import { EnrollRequestSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { createCertificateRequest } from './certificate-request.ts'
import type { Identity } from './identity.ts'
import { channelOptions, enrollMethod, serverName } from './protocol.ts'
import { callUnary } from './unary.ts'

export interface JoinToken {
  /** What is sent, and what the server knows a hash of. */
  readonly token: string
  /** SHA-256 of the authority's certificate (DER), hex. */
  readonly pin: string
}

/** `fj_<secret>.<pin>`: the secret in base64url, the pin as 64 hex digits. */
export function parseJoinToken(text: string): JoinToken {
  const match = /^(fj_[A-Za-z0-9_-]{20,})\.([0-9a-f]{64})$/.exec(text.trim())
  if (!match) {
    throw new Error('This is not a join token; make one with `fairway host join-token` and paste all of it')
  }
  return { token: match[1]!, pin: match[2]! }
}

const timeoutMs = 15_000

/**
 * Joins this host. The authority is fetched and compared with the token's pin first, and is the only root of the
 * connection that the token is then sent over: a machine in the middle never sees it.
 */
export async function enroll(options: {
  joinToken: string
  /** host:port */
  server: string
  hostName: string
  signal?: AbortSignal
}): Promise<Identity> {
  const { token, pin } = parseJoinToken(options.joinToken)
  const authority = await fetchPinnedAuthority(options.server, pin, options.signal)
  const { key, csr } = await createCertificateRequest()
  const client = new Client(options.server, credentials.createSsl(Buffer.from(authority)), channelOptions)
  try {
    const request = create(EnrollRequestSchema, { token, csr, hostName: options.hostName })
    const response = await callUnary(client, enrollMethod, request, {
      deadlineMs: timeoutMs,
      signal: options.signal,
    })
    return describeIdentity({
      hostId: response.hostId,
      hostName: response.hostName,
      key,
      certificate: response.certificate,
      authority,
      servers: response.serverAddresses.length > 0 ? response.serverAddresses : [options.server],
    })
  } finally {
    client.close()
  }
}

/** Reads the validity out of the certificate. */
export function describeIdentity(parts: Omit<Identity, 'notBeforeMs' | 'notAfterMs'>): Identity {
  const { validFromDate, validToDate } = new X509Certificate(parts.certificate)
  return { ...parts, notBeforeMs: validFromDate.getTime(), notAfterMs: validToDate.getTime() }
}

/** PEM of the certificate in the server's chain whose SHA-256 is the pin. Sends nothing. */
async function fetchPinnedAuthority(server: string, pin: string, signal?: AbortSignal): Promise<string> {
  const colon = server.lastIndexOf(':')
  const host = server.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  const port = Number(server.slice(colon + 1))
  if (colon < 1 || !Number.isInteger(port))
    throw new Error(`The server must be given as host:port, not ${server}`)
  const { promise, resolve, reject } = Promise.withResolvers<DetailedPeerCertificate>()
  const socket = connect(
    {
      host,
      port,
      servername: serverName,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
      timeout: timeoutMs,
    },
    () => resolve(socket.getPeerCertificate(true)),
  )
  const abort = () => socket.destroy(signal?.reason)
  socket.on('error', reject)
  socket.on('timeout', () =>
    socket.destroy(new Error(`${server} did not answer within ${timeoutMs / 1_000} s`)),
  )
  signal?.addEventListener('abort', abort, { once: true })
  try {
    const seen = new Set<DetailedPeerCertificate>()
    for (let link = await promise; link?.raw && !seen.has(link); link = link.issuerCertificate) {
      seen.add(link)
      const fingerprint = createHash('sha256').update(link.raw).digest('hex')
      if (fingerprint === pin) return new X509Certificate(link.raw).toString()
    }
  } finally {
    signal?.removeEventListener('abort', abort)
    socket.destroy()
  }
  throw new Error(
    `${server} is not the server that made this join token (its certificate authority is another one); ` +
      'check the address, and that nothing intercepts the connection. The token was not sent.',
  )
}
