import type { Route } from './route.ts'
import { dialOf, type Traffic } from './upstreams.ts'

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

function routesOf(route: Route): object[] {
  const host = route.hostnames
  const { target } = route
  if (target.kind === 'maintenance')
    return [answer([{ host }], 503, target.message || 'Down for maintenance.', target.retryAfterSeconds)]
  return [
    {
      match: [{ host, path: ['/websocket', '/websocket/*', '/longpolling/*'] }],
      handle: [reverseProxy(route.environmentId, 'sockets')],
      terminal: true,
    },
    { match: [{ host }], handle: [reverseProxy(route.environmentId, 'requests')], terminal: true },
  ]
}

function reverseProxy(environmentId: string, traffic: Traffic): object {
  return {
    handler: 'reverse_proxy',
    upstreams: [{ dial: dialOf(environmentId, traffic) }],
    // Caddy sets X-Forwarded-For, -Proto and -Host by itself and trusts none that came in.
    headers: { request: { set: { 'X-Real-IP': ['{http.request.remote.host}'] } } },
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

function answer(match: object[] | undefined, status: number, text: string, retryAfter = 0): object {
  return {
    ...(match && { match }),
    handle: [
      {
        handler: 'static_response',
        status_code: status,
        headers: {
          'Content-Type': ['text/html; charset=utf-8'],
          'Cache-Control': ['no-store'],
          ...(retryAfter > 0 && { 'Retry-After': [String(retryAfter)] }),
        },
        body: page(status, text),
      },
    ],
    terminal: true,
  }
}

function page(status: number, text: string): string {
  // Braces would be taken for Caddy's placeholders.
  const safe = text.replace(/[&<>"'{}]/g, (character) => `&#${character.charCodeAt(0)};`)
  return `<!doctype html><meta name="viewport" content="width=device-width"><title>${status}</title><p style="font: 16px sans-serif; margin: 20vh auto; max-width: 32em; text-align: center">${safe}</p>\n`
}
