import { type StatusObject, status } from '@grpc/grpc-js'
import type { Identity } from './identity.ts'

/** Why a server and this host do not get together, where waiting alone does not help. */
export interface Refusal {
  /** The server's word, or `server-foreign`, `server-certificate-time` for what this host does not accept. */
  readonly reason: string
  /** What to do next, for people. */
  readonly advice: string
  /** How far the clocks are apart, when they are. */
  readonly clock?: string
}

const rejoin = (name: string) =>
  `make a token (fairway host join-token ${name}) and run fairway-agent join with it`

/** By the server's reason; see Identity in proto/fairway/agent/v1/CONTRACT.md. */
const advice: Record<string, (name: string) => string> = {
  'certificate-expired': (name) => `if this host's clock is right, ${rejoin(name)}`,
  'certificate-not-yet-valid': () => 'set the clock of this host or of the server, whichever is wrong',
  'certificate-foreign': (name) => `check FAIRWAY_SERVERS; if the fleet was set up anew, ${rejoin(name)}`,
  'certificate-purpose': (name) => `the identity file is not a host's: ${rejoin(name)}`,
  'certificate-required': (name) => `the identity file has no certificate: ${rejoin(name)}`,
  'certificate-revoked': (name) =>
    `ask who runs the control plane why this host was revoked (fairway host show ${name}); to come back, ${rejoin(name)}`,
  'certificate-replaced': (name) =>
    `if no other machine runs as ${name} and no backup of the agent's directory was put back, somebody has joined ` +
    `in its name: tell who runs the control plane; to come back, ${rejoin(name)}`,
  'identity-shared': (name) =>
    `another agent runs with a copy of this one's directory: stop one of them, and for the other ${rejoin(name)}`,
  'host-unknown': (name) => rejoin(name),
  incompatible: () => 'bring agent and server to versions that know each other',
}

/** Beyond what a connection's own delays explain. */
const skewMs = 30_000

/** Undefined for what passes by itself: a server that is down, a network that is away. */
export function explainRefusal(
  { code, details, metadata }: StatusObject,
  identity: Pick<Identity, 'hostName' | 'notBeforeMs' | 'notAfterMs'>,
  nowMs: number = Date.now(),
): Refusal | undefined {
  const reason = String(metadata.get('fairway-reason')[0] ?? '')
  const explain = Object.hasOwn(advice, reason) ? advice[reason] : undefined
  if (explain) {
    const clock = compareClocks(String(metadata.get('fairway-time')[0] ?? ''), nowMs)
    return { reason, advice: explain(identity.hostName), ...(clock && { clock }) }
  }
  return code === status.UNAVAILABLE ? explainTls(details, identity, nowMs) : undefined
}

/** What this host's own TLS did not accept of the server; its words are OpenSSL's. */
function explainTls(
  details: string,
  { notBeforeMs, notAfterMs }: Pick<Identity, 'notBeforeMs' | 'notAfterMs'>,
  nowMs: number,
): Refusal | undefined {
  if (/certificate (has expired|is not yet valid)/.test(details)) {
    const own = nowMs < notBeforeMs || nowMs > notAfterMs
    return {
      reason: 'server-certificate-time',
      advice:
        `the server's certificate is not valid at this host's time, ${new Date(nowMs).toISOString()}` +
        `${own ? ', and neither is its own' : ''}: set the clock of this host, or the server's`,
    }
  }
  if (/self-signed certificate|unable to (verify|get)/.test(details)) {
    return {
      reason: 'server-foreign',
      advice:
        'the server there is not of the fleet that this host joined: check FAIRWAY_SERVERS, and that nothing ' +
        'intercepts the connection',
    }
  }
  return undefined
}

function compareClocks(serverTime: string, nowMs: number): string {
  const offsetMs = nowMs - Date.parse(serverTime)
  if (!(Math.abs(offsetMs) > skewMs)) return ''
  const minutes = Math.abs(offsetMs) / 60_000
  const amount = minutes < 120 ? `${Math.round(minutes)} min` : `${Math.round(minutes / 60)} h`
  return `this host's clock is about ${amount} ${offsetMs > 0 ? 'ahead of' : 'behind'} the server's`
}
