import { lookup } from 'node:dns/promises'
import { connect, isIP, type Socket } from 'node:net'
import type { AddressRules } from './addresses.ts'
import { type AllowEntry, normalizeHost } from './allow-list.ts'
import type { Upstream } from './upstream.ts'

export interface ResolvedAddress {
  address: string
  family: number
}

/** A target that may not be reached, or whose name has no address: outside, both are told alike. */
export class RefusedError extends Error {
  override name = 'RefusedError'
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super(`${refusal.host}:${refusal.port}: ${refusal.why}`)
    this.refusal = refusal
  }
}

export interface Refusal {
  host: string
  port: number
  /** The address that decided; undefined where none was found or looked for. */
  address?: string
  /** For logs of the host and its operator: it tells of names and addresses of their network. */
  why: string
}

/** A connection that was allowed and did not come about. */
export class UnreachableError extends Error {
  override name = 'UnreachableError'
  readonly failure: Failure
  constructor(failure: Failure, options?: ErrorOptions) {
    super(`${failure.host}:${failure.port}: ${failure.what}`, options)
    this.failure = failure
  }
}

export interface Failure {
  host: string
  port: number
  /** Whether all its addresses are public: what failed may be told to anybody then. */
  isPublic: boolean
  what: 'connection refused' | 'no answer' | 'connection failed'
}

export interface Dialer {
  /**
   * Looks the name up once, has every address checked (one that is refused refuses the name: who mixes them is no
   * ordinary host), and connects to one of just those.
   */
  dial(target: { host: string; port: number }, policy: DialPolicy, signal: AbortSignal): Promise<Dialed>
}

export interface DialPolicy {
  /** Of the project, beside the host's own. */
  allow: readonly AllowEntry[]
  /** Ports that may be used without being named in an entry. */
  mayUsePort(port: number): boolean
  /** Past the host's proxy, which is for http. */
  direct?: boolean
}

export interface Dialed {
  socket: Socket
  /** As it was compared. */
  host: string
  isPublic: boolean
}

export interface DialerOptions {
  rules: AddressRules
  connectTimeoutMs?: number
  /**
   * The host's proxy. What this host finds an address of is checked all the same; names that only the proxy can look up
   * are left to its own rules.
   */
  upstream?: Upstream
  /** For the operator of the host: told of every refusal, with the reason that nobody else hears. */
  onRefusal?: (refusal: Refusal) => void
  /** Default: the host's own resolver, /etc/hosts included. */
  resolve?: (host: string) => Promise<ResolvedAddress[]>
}

export function createDialer({
  rules,
  connectTimeoutMs = 15_000,
  upstream,
  onRefusal,
  resolve = createResolver(),
}: DialerOptions): Dialer {
  async function check(asked: { host: string; port: number }, policy: DialPolicy, signal: AbortSignal) {
    const { port } = asked
    const host = normalizeHost(asked.host)
    const refuse = (why: string, address?: string) => {
      const refusal = { host: host ?? asked.host.slice(0, 255), port, address, why }
      onRefusal?.(refusal)
      return new RefusedError(refusal)
    }
    if (host === undefined) throw refuse('neither a name nor a plain address')
    const addresses = await (isIP(host) ? [{ address: host, family: isIP(host) }] : resolveIn(host, signal))
    const through = !policy.direct && upstream?.isFor(host) ? upstream : undefined
    if (addresses.length === 0 && !(through && policy.mayUsePort(port)))
      throw refuse('the name has no address')
    for (const { address } of addresses) {
      const target = { host, port, address }
      const why = rules.refusalOf(target, policy.allow)
      if (why) throw refuse(why, address)
      if (!policy.mayUsePort(port) && !rules.namesPort(target, policy.allow))
        throw refuse('a port that is not open to everybody', address)
    }
    const isPublic = addresses.every(({ address }) => rules.kindOf(address) === 'public')
    return { host, addresses, isPublic, through }
  }

  async function resolveIn(host: string, signal: AbortSignal): Promise<ResolvedAddress[]> {
    const timeout = AbortSignal.timeout(connectTimeoutMs)
    const resolving = resolve(host)
    // Its answer may come after we have gone.
    resolving.catch(() => undefined)
    try {
      return await Promise.race([resolving, rejectOn(AbortSignal.any([signal, timeout]))])
    } catch (error) {
      signal.throwIfAborted()
      if (timeout.aborted || isNoAddress(error)) return []
      throw error
    }
  }

  return {
    async dial(target, policy, signal) {
      signal.throwIfAborted()
      const { host, addresses, isPublic, through } = await check(target, policy, signal)
      const { port } = target
      try {
        const limited = AbortSignal.any([signal, AbortSignal.timeout(connectTimeoutMs)])
        const socket = await (through?.connect({ host, port }, limited) ??
          connectTo(addresses, port, connectTimeoutMs, signal))
        return { socket, host, isPublic }
      } catch (error) {
        signal.throwIfAborted()
        throw new UnreachableError({ host, port, isPublic, what: whatFailed(error) }, { cause: error })
      }
    },
  }
}

/** Happy eyeballs, over the addresses that were checked. */
function connectTo(
  addresses: readonly ResolvedAddress[],
  port: number,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = connect({
      // Never looked up: `lookup` answers with what was checked, and without a name there is none.
      host: addresses.length === 1 ? addresses[0]!.address : 'checked.invalid',
      port,
      lookup: (_host, _options, answer) => answer(null, [...addresses]),
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: 3_000,
    })
    const giveUp = () => settle(() => fail(new Error('no answer')))
    const timer = setTimeout(giveUp, timeoutMs)
    const settle = (then: () => void) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
      socket.off('error', onError)
      if (!socket.connecting && socket.readyState === 'open') return then()
      socket.on('error', () => undefined).destroy()
      then()
    }
    const onError = (error: Error) => settle(() => fail(error))
    signal.addEventListener('abort', giveUp, { once: true })
    socket.once('error', onError)
    socket.once('connect', () => settle(() => done(socket)))
  })
}

function whatFailed(error: unknown): Failure['what'] {
  const codes = [error, ...(error instanceof AggregateError ? error.errors : [])].map(
    (each) => (each as NodeJS.ErrnoException).code,
  )
  if (codes.includes('ECONNREFUSED')) return 'connection refused'
  if (codes.includes('ETIMEDOUT') || (error as Error).message === 'no answer') return 'no answer'
  return 'connection failed'
}

const noAddress = ['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'ENODATA', 'ETIMEOUT', 'ESERVFAIL']
const isNoAddress = (error: unknown) => noAddress.includes((error as NodeJS.ErrnoException).code ?? '')

function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_done, fail) => {
    if (signal.aborted) return fail(signal.reason)
    signal.addEventListener('abort', () => fail(signal.reason), { once: true })
  })
}

/** getaddrinfo, two at a time: it holds threads that the agent's files need, as long as a hostile name server likes. */
function createResolver(): (host: string) => Promise<ResolvedAddress[]> {
  const atOnce = 2
  const waiting: (() => void)[] = []
  let running = 0
  return async (host) => {
    if (running >= atOnce) await new Promise<void>((go) => waiting.push(go))
    else running++
    try {
      return await lookup(host, { all: true })
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
