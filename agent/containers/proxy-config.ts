import { z } from 'zod'
import { geventPort, httpPort } from './odoo-options.ts'

export const proxyPort = 8080
export const adminSocket = '/run/caddy/admin.sock'

const hostname = z
  .string()
  .max(253)
  .regex(/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/)

export const routeSchema = z.object({
  environmentId: z.string(),
  hostnames: z.array(hostname).min(1).max(50),
  target: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('runtime'),
      runtimeId: z.string(),
      cellId: z.string(),
      /** Name of the container, resolved at each connection: an address changes with every start. */
      container: z.string(),
      workers: z.int().min(0),
    }),
    z.object({ kind: z.literal('maintenance'), message: z.string(), retryAfterSeconds: z.int().min(0) }),
  ]),
})

/** What the proxy answers for the host names of one environment. */
export type Route = z.infer<typeof routeSchema>

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
        grace_period: '5s',
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
  const gevent = target.workers > 0 ? geventPort : httpPort
  return [
    {
      match: [{ host, path: ['/websocket', '/websocket/*'] }],
      handle: [reverseProxy(target.container, gevent)],
      terminal: true,
    },
    { match: [{ host }], handle: [reverseProxy(target.container, httpPort)], terminal: true },
  ]
}

function reverseProxy(container: string, port: number): object {
  return {
    handler: 'reverse_proxy',
    upstreams: [{ dial: `${container}:${port}` }],
    // Caddy sets X-Forwarded-For, -Proto and -Host by itself and trusts none that came in.
    headers: { request: { set: { 'X-Real-IP': ['{http.request.remote.host}'] } } },
    // A runtime that is being restarted: wait rather than fail.
    load_balancing: { try_duration: '5s', try_interval: '200ms' },
    transport: { protocol: 'http', dial_timeout: '2s', keep_alive: { idle_timeout: '30s' } },
    flush_interval: -1,
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
