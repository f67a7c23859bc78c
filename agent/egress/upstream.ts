import { request } from 'node:http'
import { isIPv6, type Socket } from 'node:net'

/** The proxy that a host's operator has all go through (`https_proxy`, `no_proxy`). */
export interface Upstream {
  /** Whether a host, as it is compared, is reached through it. */
  isFor(host: string): boolean
  /** A connection through it (CONNECT). It looks names up itself. Rejects when it does not make one. */
  connect(target: { host: string; port: number }, signal: AbortSignal): Promise<Socket>
}

/**
 * `proxy` is `http://user:password@proxy:3128`, of which only host and port are needed; `noProxy` names hosts, with all
 * below them, that are reached without it, comma separated, or `*`. Throws an Error for what is no such address.
 */
export function createUpstream(proxy: string, noProxy = ''): Upstream {
  const url = URL.parse(proxy.includes('://') ? proxy : `http://${proxy}`)
  if (url?.protocol !== 'http:' || url.hostname === '')
    throw new Error('a proxy is an address such as http://proxy.example:3128')
  const { username, password } = url
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  const credential = username && { 'proxy-authorization': `Basic ${Buffer.from(user).toString('base64')}` }
  const excepted = noProxy.split(',').map((item) =>
    item
      .trim()
      .toLowerCase()
      .replace(/^\*?\./, ''),
  )
  return {
    isFor: (host) =>
      !excepted.some((one) => one === '*' || one === host || (one !== '' && host.endsWith(`.${one}`))),
    connect: ({ host, port }, signal) =>
      new Promise((done, fail) => {
        const path = `${isIPv6(host) ? `[${host}]` : host}:${port}`
        const headers = { host: path, ...(credential || {}) }
        const place = { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port || 80 }
        const asking = request({ ...place, method: 'CONNECT', path, headers, signal, agent: false })
        asking.once('connect', ({ statusCode }, socket, head) => {
          if (statusCode !== 200) {
            socket.destroy()
            return fail(new Error(`the proxy answers ${statusCode}`))
          }
          if (head.length > 0) socket.unshift(head)
          done(socket as Socket)
        })
        asking.once('response', (answer) => {
          answer.destroy()
          fail(new Error(`the proxy answers ${answer.statusCode}`))
        })
        asking.once('error', fail)
        asking.end()
      }),
  }
}
