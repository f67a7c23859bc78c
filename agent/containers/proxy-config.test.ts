import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { caddyConfig } from './proxy-config.ts'
import { type Route, routeSchema } from './route.ts'
import { createUpstreams } from './upstreams.ts'

const runtime = (workers: number): Route => ({
  environmentId: 'b',
  hostnames: ['feature.shop.example.test'],
  https: false,
  target: { kind: 'runtime', runtimeId: 'r', cellId: 'c', container: 'fairway-odoo-r', workers },
})
const maintenance: Route = {
  environmentId: 'a',
  hostnames: ['shop.example.test'],
  https: false,
  target: { kind: 'maintenance', message: 'Back <soon> {http.request.host}', retryAfterSeconds: 30 },
}
interface CaddyRoute {
  match?: { host?: string[]; path?: string[]; remote_ip?: { ranges: string[] } }[]
  handle: {
    handler: string
    status_code?: number
    headers?: Record<string, string[]>
    body?: string
    upstreams?: { dial: string }[]
  }[]
  terminal: boolean
}
function routes(...given: Route[]): CaddyRoute[] {
  const config = caddyConfig(given, '10.213.0.0/16') as {
    apps: { http: { servers: { environments: { routes: CaddyRoute[] } } } }
  }
  return config.apps.http.servers.environments.routes
}

test('environments are refused before anything else, unknown names after everything', () => {
  const all = routes(runtime(0), maintenance)
  expect(all[0]).toMatchObject({
    match: [{ remote_ip: { ranges: ['10.213.0.0/16'] } }],
    handle: [{ status_code: 403 }],
    terminal: true,
  })
  expect(all.at(-1)).toMatchObject({ handle: [{ status_code: 404 }] })
  expect(all.at(-1)?.match).toBeUndefined()
})

test('a configuration names no runtime: one after another is led to without a new one', () => {
  const dialed = routes(runtime(2))
    .slice(3, 5)
    .map((route) => route.handle.at(-1)?.upstreams?.[0]?.dial)
  expect(dialed).toEqual(['{file./run/upstreams/b.sockets}', '{file./run/upstreams/b.requests}'])
  expect(caddyConfig([runtime(2)], 'x')).toEqual(caddyConfig([runtime(0)], 'x'))
})

test.each(['../b', '', 'a.b', 'a/b', '{b}'])('%j is no id of an environment', (environmentId) => {
  expect(routeSchema.safeParse({ ...maintenance, environmentId }).success).toBe(false)
})

test('maintenance is in files too: it begins and ends without a new configuration', async () => {
  const up: Route = { ...maintenance, target: runtime(0).target }
  expect(caddyConfig([maintenance], 'x')).toEqual(caddyConfig([up], 'x'))
  const directory = await mkdtemp(join(tmpdir(), 'fairway-upstreams-'))
  try {
    const upstreams = createUpstreams(directory)
    const turn = async (route: Route) => {
      await upstreams.point([route])
      await upstreams.keepOnly([route])
      return (await readdir(directory)).sort()
    }
    expect(await turn(up)).toEqual(['a.requests', 'a.sockets'])
    expect(await turn(maintenance)).toEqual(['a.page', 'a.requests', 'a.retry-after', 'a.sockets'])
    expect(await readFile(join(directory, 'a.retry-after'), 'utf8')).toBe('30')
    expect(await readFile(join(directory, 'a.page'), 'utf8')).toContain(
      'Back &#60;soon&#62; &#123;http.request.host&#125;',
    )
    expect(await turn(up)).toEqual(['a.requests', 'a.sockets'])
  } finally {
    await rm(directory, { recursive: true })
  }
})

test('maintenance answers 503, and says when to come back', () => {
  const [, waiting, closed] = routes(maintenance)
  expect(waiting?.handle[0]).toMatchObject({
    status_code: 503,
    headers: { 'Retry-After': ['{file./run/upstreams/a.retry-after}'] },
    body: '{file./run/upstreams/a.page}',
  })
  expect(closed?.handle[0]).toMatchObject({ status_code: 503, body: '{file./run/upstreams/a.page}' })
  expect(closed?.handle[0]?.headers).not.toHaveProperty('Retry-After')
})

test('the order of the routes changes nothing', () => {
  expect(caddyConfig([maintenance, runtime(1)], 'x')).toEqual(caddyConfig([runtime(1), maintenance], 'x'))
})

test.each(['*', '*.example.test', 'UPPER.test', 'a b', 'x:80', '', '{host}', '-a.test'])(
  '%j is no host name',
  (name) => {
    expect(routeSchema.safeParse({ ...maintenance, hostnames: [name] }).success).toBe(false)
  },
)
