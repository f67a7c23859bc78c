import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls, getCACertificates } from 'node:tls'
import type { AllowEntry } from '../egress/allow-list.ts'
import type { Dialer } from '../egress/dial.ts'
import type { PythonIndex } from '../requirements/index-credentials.ts'

/** Of the index alone: every address is below its origin, so its credential goes to no other server. */
export interface IndexUpstream extends Disposable {
  /** Resolves with the head of the answer. Rejects with RefusedError, UnreachableError, or what TLS and HTTP say. */
  get(path: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<IncomingMessage>
}

const idleMs = 60_000
const maxHeaderBytes = 16 * 1024

export function createIndexUpstream(
  dialer: Dialer,
  index: PythonIndex,
  allow: readonly AllowEntry[],
): IndexUpstream {
  const { hostname, host, port, protocol } = new URL(index.url)
  const closing = new AbortController()
  const target = { host: hostname, port: Number(port || (protocol === 'https:' ? 443 : 80)) }
  // fairway.yaml names the port; that of a private address an allow-list has to name.
  const policy = { allow, mayUsePort: (asked: number) => asked === target.port }
  const agent = new Agent({ keepAlive: true, maxSockets: 16, maxFreeSockets: 4, timeout: idleMs })
  agent.createConnection = (_options, done) => {
    connect().then(
      (socket) => done?.(null, socket),
      (error) => done?.(error, undefined as never),
    )
    return undefined
  }

  async function connect(): Promise<Duplex> {
    const { socket } = await dialer.dial(target, policy, closing.signal)
    return protocol === 'https:' ? secure(socket, hostname) : socket
  }

  return {
    get(path, headers, signal) {
      const authorization = index.login && { authorization: basic(index.login) }
      const outgoing: ClientRequest = request({
        agent,
        path,
        setHost: false,
        headers: { ...headers, host, ...authorization },
        maxHeaderSize: maxHeaderBytes,
        timeout: idleMs,
        signal,
      })
      return new Promise((answer, fail) => {
        outgoing.once('response', answer)
        outgoing.on('error', fail)
        outgoing.on('timeout', () => outgoing.destroy(new Error(`nothing came for ${idleMs / 1000} s`)))
        outgoing.end()
      })
    },
    [Symbol.dispose]() {
      closing.abort()
      agent.destroy()
    },
  }
}

/** What this host trusts counts, as well as what Node.js does: indexes in a company's network have its authority. */
const authorities = () => [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]

function secure(socket: Duplex, hostname: string): Promise<Duplex> {
  return new Promise((done, fail) => {
    const servername = isIP(hostname.replace(/^\[|\]$/g, '')) ? '' : hostname
    const host = hostname.replace(/^\[|\]$/g, '')
    const encrypted = connectTls({ socket, host, servername, ca: authorities(), ALPNProtocols: ['http/1.1'] })
    const giveUp = setTimeout(() => encrypted.destroy(new Error('no answer to TLS')), 15_000)
    encrypted.once('error', fail)
    encrypted.once('close', () => clearTimeout(giveUp))
    encrypted.once('secureConnect', () => {
      clearTimeout(giveUp)
      encrypted.off('error', fail)
      done(encrypted)
    })
  })
}

const basic = ({ username, password }: NonNullable<PythonIndex['login']>) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
