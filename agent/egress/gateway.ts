import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { AllowEntry } from './allow-list.ts'
import { type Dialer, type Failure, type Refusal, RefusedError, UnreachableError } from './dial.ts'
import { forwardableHeaders, parseAuthority, parseHttpUrl } from './proxy-request.ts'

/** Who uses a gateway, and what they may reach. */
export interface GatewayClient {
  /** An address of this host that the client reaches: 127.0.0.1 for our own processes, a bridge's for containers. */
  listenOn: string
  /** `network.allow` of the project's policy. */
  allow: readonly AllowEntry[]
  /** Default: 80 and 443, and what an entry names. */
  mayUsePort?: (port: number) => boolean
  /** Told of each connection that was refused. The client hears one wording only, whatever the reason. */
  onRefusal?: (refusal: Refusal) => void
  /** Told of each connection that was allowed and failed. */
  onFailure?: (failure: Failure) => void
  /** Told of each connection that came about. */
  onConnection?: (connection: { host: string; port: number; isPublic: boolean }) => void
  limits?: Partial<GatewayLimits>
}

export interface GatewayLimits {
  connections: number
  /** Without a byte in either direction. */
  idleMs: number
  /** For one connection, from its beginning. */
  totalMs: number
}

const defaultLimits: GatewayLimits = { connections: 64, idleMs: 300_000, totalMs: 3_600_000 }
const maxHeaderBytes = 16 * 1024

export interface Gateway extends AsyncDisposable {
  readonly address: string
  readonly port: number
  /** `http://fairway:<secret>@127.0.0.1:40123`: where it listens, with the credential that it asks for. A secret. */
  readonly url: string
  readonly password: string
}

/**
 * The checked way out: a forward proxy (CONNECT, and http by absolute address) for one client, until the signal is
 * aborted or it is disposed of. Every connection goes through the dialer, so redirects do, and names that change their
 * addresses. There is none to another port, another protocol, or for who lacks the credential.
 */
export async function openGateway(
  dialer: Dialer,
  client: GatewayClient,
  signal: AbortSignal,
): Promise<Gateway> {
  const limits = { ...defaultLimits, ...client.limits }
  const policy = { allow: client.allow, mayUsePort: client.mayUsePort ?? isWebPort }
  const password = randomBytes(24).toString('base64url')
  const expected = digest(`Basic ${Buffer.from(`fairway:${password}`).toString('base64')}`)
  const closing = new AbortController()
  const ending = AbortSignal.any([signal, closing.signal])
  const open = new Set<Duplex>()

  async function reach(
    target: { host: string; port: number },
    from: Duplex,
  ): Promise<Socket | { status: number; text: string }> {
    const gone = new AbortController()
    const leave = () => gone.abort()
    from.once('close', leave)
    try {
      const dialed = await dialer.dial(target, policy, AbortSignal.any([ending, gone.signal]))
      client.onConnection?.({ host: dialed.host, port: target.port, isPublic: dialed.isPublic })
      return hold(dialed.socket)
    } catch (error) {
      if (error instanceof RefusedError) {
        client.onRefusal?.(error.refusal)
        return { status: 403, text: refusedText }
      }
      if (error instanceof UnreachableError) {
        client.onFailure?.(error.failure)
        // What is not public is told of as if it were refused.
        return error.failure.isPublic
          ? { status: 502, text: error.failure.what }
          : { status: 403, text: refusedText }
      }
      if (ending.aborted || gone.signal.aborted) return { status: 503, text: 'closing' }
      throw error
    } finally {
      from.off('close', leave)
    }
  }

  function hold<T extends Socket>(socket: T): T {
    open.add(socket)
    const timer = setTimeout(() => socket.destroy(), limits.totalMs)
    socket.setTimeout(limits.idleMs, () => socket.destroy())
    // Told by `close`; who pipes hears of it as well.
    socket.on('error', () => undefined)
    socket.once('close', () => {
      clearTimeout(timer)
      open.delete(socket)
    })
    return socket
  }

  async function tunnel(incoming: IncomingMessage, from: Duplex, head: Buffer): Promise<void> {
    if (!isAuthentic(incoming)) return endWith(from, 407)
    const target = parseAuthority(incoming.url ?? '')
    if (!target) return endWith(from, 400)
    const to = await reach(target, from)
    if ('status' in to) return endWith(from, to.status, to.text)
    from.write('HTTP/1.1 200 Connection established\r\n\r\n')
    if (head.length > 0) to.write(head)
    // A failure of either ends both.
    await Promise.all([pipeline(from, to), pipeline(to, from)]).catch(() => undefined)
  }

  async function forward(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isAuthentic(incoming)) return answer(response, 407)
    const target = parseHttpUrl(incoming.url ?? '')
    if (!target) return answer(response, 400)
    const to = await reach(target, incoming.socket)
    if ('status' in to) return answer(response, to.status, to.text)
    const { rawHeaders } = incoming
    const outgoing = request({
      createConnection: () => to,
      method: incoming.method,
      path: target.path,
      setHost: false,
      headers: [
        ...forwardableHeaders(rawHeaders),
        'Host',
        target.authority,
        'Connection',
        'close',
        ...bodyFraming(incoming),
      ],
      maxHeaderSize: maxHeaderBytes,
    })
    outgoing.on('error', () => undefined)
    // Answers may come before the whole request has gone.
    pipeline(incoming, outgoing).catch(() => undefined)
    const answered = await new Promise<IncomingMessage | undefined>((done) => {
      outgoing.once('response', done)
      outgoing.once('close', () => done(undefined))
    })
    if (!answered) return answer(response, 502, 'no answer')
    response.writeHead(answered.statusCode ?? 502, forwardableHeaders(answered.rawHeaders))
    await pipeline(answered, response).catch(() => to.destroy())
  }

  function isAuthentic(incoming: IncomingMessage): boolean {
    return timingSafeEqual(digest(incoming.headers['proxy-authorization'] ?? ''), expected)
  }

  const server = createServer({ maxHeaderSize: maxHeaderBytes, headersTimeout: 15_000, requestTimeout: 0 })
  server.maxConnections = limits.connections
  server.on('connection', hold)
  server.on('clientError', (_error, socket) => endWith(socket, 400))
  server.on('connect', (incoming, socket, head) => {
    tunnel(incoming, socket, head).catch(() => socket.destroy())
  })
  server.on('request', (incoming, response) => {
    forward(incoming, response).catch(() => response.destroy())
  })
  signal.throwIfAborted()
  await new Promise<void>((done, fail) => {
    server.once('error', fail)
    server.listen(0, client.listenOn, done)
  })
  const { port } = server.address() as AddressInfo

  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= new Promise<void>((done) => {
      closing.abort()
      server.close(() => done())
      for (const socket of open) socket.destroy()
    })
    return closed
  }
  signal.addEventListener('abort', close, { once: true })
  if (signal.aborted) await close()
  return {
    address: client.listenOn,
    port,
    password,
    url: `http://fairway:${password}@${client.listenOn}:${port}`,
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', close)
      await close()
    },
  }
}

/** The one wording: of a refused address, a name without one, and whatever goes wrong with what is not public. */
export const refusedText =
  'this address may not be reached from here: it is not public, or does not exist. To allow it, see network.allow of the policy.'

const bodyFraming = ({ headers }: IncomingMessage) =>
  headers['transfer-encoding'] === undefined ? [] : ['Transfer-Encoding', 'chunked']
const isWebPort = (port: number) => port === 80 || port === 443
const digest = (text: string) => createHash('sha256').update(text).digest()

const statusTexts: Record<number, string> = {
  400: 'Bad Request',
  403: 'Forbidden',
  407: 'Proxy Authentication Required',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
}
const headersOf = (status: number, text: string): Record<string, string> => ({
  'content-type': 'text/plain; charset=utf-8',
  'content-length': String(Buffer.byteLength(text)),
  connection: 'close',
  ...(status === 407 && { 'proxy-authenticate': 'Basic realm="fairway"' }),
})

function answer(response: ServerResponse, status: number, text = statusTexts[status] ?? ''): void {
  if (response.headersSent) response.destroy()
  else response.writeHead(status, headersOf(status, text)).end(text)
}

function endWith(socket: Duplex, status: number, text = statusTexts[status] ?? ''): void {
  if (!socket.writable) return void socket.destroy()
  const headers = Object.entries(headersOf(status, text)).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${statusTexts[status]}\r\n${headers.join('')}\r\n${text}`)
}
