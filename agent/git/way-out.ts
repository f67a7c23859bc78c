import { type GitProtocol, targetOf } from '../../lib/addresses/git-url.ts'
import type { AllowEntry } from '../egress/allow-list.ts'
import { type Dialer, type Failure, type Refusal, RefusedError, UnreachableError } from '../egress/dial.ts'
import { openGateway } from '../egress/gateway.ts'
import { openTunnel } from '../egress/tunnel.ts'

/** Where one git command may connect to: through an address that was checked, or nowhere. */
export interface WayOut extends AsyncDisposable {
  /** Transports that it may use; those of redirects included. */
  readonly protocols: readonly GitProtocol[]
  /** Proxy for http and https, with its credential. */
  readonly proxy?: string
  /** Where ssh finds the host, and what its key is known by. */
  readonly ssh?: { port: number; hostKeyAlias: string }
  /** What kept the command from connecting, if anything did. */
  readonly trouble: Trouble
}

export interface Trouble {
  refusal?: Refusal
  failure?: Failure
  /** Whether it was sent, or looked, beyond public addresses, as its project may. */
  wasPrivate?: boolean
}

/**
 * Opens the way to the address's host. Of http it is a proxy, so what the host redirects to is checked as well. A host
 * of ssh is connected to at once: throws RefusedError or UnreachableError before ssh is run.
 */
export async function openWayOut(
  dialer: Dialer,
  url: string,
  allow: readonly AllowEntry[],
  signal: AbortSignal,
): Promise<WayOut> {
  const { protocol, host, port } = targetOf(url)
  if (protocol === 'file') return { protocols: ['file'], trouble: {}, async [Symbol.asyncDispose]() {} }
  const policy = { allow, mayUsePort }
  if (protocol === 'ssh') {
    const dialed = await dialer.dial({ host, port }, { ...policy, direct: true }, signal)
    const tunnel = await openTunnel(dialed)
    return {
      protocols: ['ssh'],
      // As ssh itself would call it, so that keys stay known.
      ssh: { port: tunnel.port, hostKeyAlias: port === 22 ? dialed.host : `[${dialed.host}]:${port}` },
      trouble: { wasPrivate: !dialed.isPublic },
      [Symbol.asyncDispose]: () => tunnel[Symbol.asyncDispose](),
    }
  }
  const trouble: Trouble = {}
  const gateway = await openGateway(
    dialer,
    {
      listenOn: '127.0.0.1',
      ...policy,
      onRefusal: (refusal) => (trouble.refusal = refusal),
      onFailure: (failure) => (trouble.failure = failure),
      onConnection: ({ isPublic }) => (trouble.wasPrivate ||= !isPublic),
    },
    signal,
  )
  return {
    protocols: ['http', 'https'],
    proxy: gateway.url,
    trouble,
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  }
}

/** What `openWayOut` threw, as trouble; undefined for anything else. */
export function findTrouble(error: unknown): Trouble | undefined {
  if (error instanceof RefusedError) return { refusal: error.refusal }
  if (error instanceof UnreachableError) return { failure: error.failure }
  return undefined
}

/** Git servers are at the ports of ssh and the web, or at ones that anybody may open; mail and the like never is. */
const mayUsePort = (port: number) => port === 22 || port === 80 || port === 443 || port >= 1024
