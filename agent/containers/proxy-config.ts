import { guardAnswer } from './proxy-cookies.ts'
import { pageOf } from './proxy-page.ts'
import type { Route } from './route.ts'
import { fileOf, type Traffic, upstreamDirectory } from './upstreams.ts'

export const proxyPort = 8080
const adminSocket = '/run/caddy/admin.sock'

/**
 * Caddy's whole configuration for these routes. Requests from the environments' own addresses are refused before
 * anything else, so that no environment reaches another one through the proxy that both are connected to.
 */
export function caddyConfig(routes: readonly Route[], environmentsRange: string): object {
  const ordered = routes.toSorted((a, b) => (a.environmentId < b.environmentId ? -1 : 1))
  return {
    admin: { listen: `unix/${adminSocket}|0660` },
    logging: { logs: { default: { level: 'WARN' } } },
    apps: {
      http: {
        // Requests that a configuration has begun end under it; the next one is in force meanwhile.
        grace_period: '10m',
        servers: {
          environments: {
            listen: [`:${proxyPort}`],
            automatic_https: { disable: true },
            // Uploads and reports may take their time; a client that sends no header in 30 s may not.
            read_header_timeout: '30s',
            idle_timeout: '2m',
            max_header_bytes: 65_536,
            routes: [
              answer(
                [{ remote_ip: { ranges: [environmentsRange] } }],
                403,
                'Environments do not reach each other through the proxy.',
              ),
              ...ordered.flatMap(routesOf),
              answer(undefined, 404, 'No environment answers at this address.'),
            ],
          },
        },
      },
    },
  }
}

/** The same whether it leads to a runtime or is down for maintenance: files say which, at each request. */
function routesOf({ hostnames: host, environmentId, https }: Route): object[] {
  const whereFile = (name: string) => [
    { host, file: { root: upstreamDirectory, try_files: [`/${environmentId}.${name}`] } },
  ]
  const page = fileOf(environmentId, 'page')
  return [
    respond(whereFile('retry-after'), 503, page, fileOf(environmentId, 'retry-after')),
    respond(whereFile('closed'), 503, page),
    {
      match: [{ host, path: ['/websocket', '/websocket/*', '/longpolling/*'] }],
      handle: [guardAnswer({ https }), reverseProxy(environmentId, 'sockets', https)],
      terminal: true,
    },
    {
      match: [{ host }],
      handle: [guardAnswer({ https }), reverseProxy(environmentId, 'requests', https)],
      terminal: true,
    },
  ]
}

function reverseProxy(environmentId: string, traffic: Traffic, https: boolean): object {
  return {
    handler: 'reverse_proxy',
    upstreams: [{ dial: fileOf(environmentId, traffic) }],
    // Caddy sets X-Forwarded-For, -Proto and -Host by itself and trusts none that came in. TLS ends before it.
    headers: {
      request: {
        set: {
          'X-Real-IP': ['{http.request.remote.host}'],
          ...(https && { 'X-Forwarded-Proto': ['https'] }),
        },
      },
    },
    // A runtime that is being restarted: wait rather than fail.
    load_balancing: { try_duration: '5s', try_interval: '200ms' },
    // No connection is used twice: Odoo closes them anyway, and a POST on one that is just being closed is lost.
    transport: { protocol: 'http', dial_timeout: '2s', keep_alive: { enabled: false } },
    flush_interval: -1,
    // A small body is read before it is passed on: where the answer comes while Caddy still looks for the end of a body,
    // Go closes the connection in the middle of the answer. It also keeps slow clients from holding up a worker.
    request_buffers: 262_144,
    // Websockets outlive changes to other environments' routes.
    stream_close_delay: '10m',
  }
}

const answer = (match: object[] | undefined, status: number, text: string) =>
  respond(match, status, pageOf(status, text))

function respond(match: object[] | undefined, status: number, body: string, retryAfter?: string): object {
  return {
    ...(match && { match }),
    handle: [
      {
        handler: 'static_response',
        status_code: status,
        headers: {
          'Content-Type': ['text/html; charset=utf-8'],
          'Cache-Control': ['no-store'],
          ...(retryAfter && { 'Retry-After': [retryAfter] }),
        },
        body,
      },
    ],
    terminal: true,
  }
}
