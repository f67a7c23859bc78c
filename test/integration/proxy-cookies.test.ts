import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type HttpAnswer, requestHttp } from '../../agent/containers/http-request.ts'
import { switchRoute } from '../../agent/tasks/switch-route.ts'
import { SwitchRouteTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { startHttpRuntime } from '../support/http-runtime.ts'
import { createTestServices, registry, type TestServices } from '../support/odoo-services.ts'
import { createStep, LIMITS } from '../support/storage.ts'
import { createTask } from '../support/task-context.ts'
import { openWebsocket } from '../support/websocket.ts'

// A preview whose code is hostile tries to reach the sessions of its neighbours through the browser of somebody who
// visits both.

let services: TestServices
const cell = { id: randomUUID(), environmentId: randomUUID() }
const hostname = 'feature.shop.previews.example.test'
const never = new AbortController().signal

beforeAll(async () => {
  services = await createTestServices()
  const postgresImage = `${registry}/fairway/postgres:18`
  await services.cells.create({ ...cell, stage: 'development', postgresImage, limits: LIMITS }, createStep())
  await startHttpRuntime(services, cell, 'preview')
  await route({ https: false })
}, 60_000)
afterAll(() => services?.[Symbol.asyncDispose](), 60_000)

const route = ({ https }: { https: boolean }) =>
  switchRoute(services)(
    create(SwitchRouteTaskSchema, {
      environmentId: cell.environmentId,
      hostnames: [hostname],
      https,
      target: { case: 'runtimeId', value: 'preview' },
    }),
    createTask().context,
  )

const asking = (path: string, lines: string[]) =>
  `${path}?${new URLSearchParams(lines.map((line): [string, string] => ['h', line]))}`

/** What a browser gets where the preview answers with these header lines. */
const answered = (...lines: string[]): Promise<HttpAnswer> =>
  requestHttp(`http://127.0.0.1:${services.proxy.port}${asking('/', lines)}`, {
    host: hostname,
    signal: never,
    timeoutMs: 20_000,
  })

const stolen = 'session_id=theirs; Domain=shop.previews.example.test; Path=/; HttpOnly'

test.each([
  stolen,
  'session_id=theirs; domain = .example.test',
  'session_id=theirs;DOMAIN=example.test;Path=/',
  'session_id=theirs;\tDomain\t=\texample.test',
  'session_id=theirs; Domain=one.test; Path=/; Domain=example.test',
  'session_id=theirs; x=; do;domain=xmain=example.test; domain=example.test',
  'session_id="theirs; Domain=example.test"',
  'session_id=theirs; ; ;Domain=;Domain=example.test',
])('a cookie stays with the host that set it: %j', async (cookie) => {
  const { headers } = await answered(`Set-Cookie: ${cookie}`, `sEt-CoOkIe: ${cookie}`)
  expect(headers['set-cookie']).toHaveLength(2)
  for (const passed of headers['set-cookie'] ?? []) {
    expect(passed).toMatch(/^session_id="?theirs/)
    expect(passed).not.toMatch(/;\s*domain\s*=/i)
    expect(passed).not.toContain('example.test')
  }
})

test('a line end in the middle of a cookie is no answer', async () => {
  const { status, headers } = await answered('Set-Cookie: session_id=theirs;\rDomain=example.test')
  expect(status).toBe(502)
  expect(headers).not.toHaveProperty('set-cookie')
}, 30_000)

test('also where the answer opens a websocket', async () => {
  const path = asking('/websocket', [`Set-Cookie: ${stolen}`, 'Clear-Site-Data: "cookies"'])
  const { status, headers, socket } = await openWebsocket(services.proxy.port, hostname, path)
  socket?.destroy()
  expect(status).toBe(101)
  expect(headers['set-cookie']).toEqual(['session_id=theirs; SameSite=Lax; Path=/; HttpOnly'])
  expect(headers).not.toHaveProperty('clear-site-data')
})

test('nobody is logged out of other hosts: Clear-Site-Data is gone', async () => {
  const { status, headers } = await answered('Clear-Site-Data: "cookies", "storage"', 'X-Other: stays')
  expect(status).toBe(200)
  expect(headers).not.toHaveProperty('clear-site-data')
  expect(headers['x-other']).toBe('stays')
})

test('Odoo’s session is SameSite=Lax where it says nothing itself, and other cookies are as they were', async () => {
  const { headers } = await answered(
    'Set-Cookie: session_id=own; HttpOnly; Path=/',
    'Set-Cookie: session_id=own; SameSite=None; Secure',
    'Set-Cookie: frontend_lang=de_DE; Path=/',
  )
  expect(headers['set-cookie']).toEqual([
    'session_id=own; SameSite=Lax; HttpOnly; Path=/',
    'session_id=own; SameSite=Lax; SameSite=None; Secure',
    'frontend_lang=de_DE; Path=/',
  ])
})

test('over https cookies are Secure, and Odoo is told the scheme', async () => {
  expect((await answered()).headers['x-told-scheme']).toBe('http')
  await route({ https: true })
  const { headers } = await answered('Set-Cookie: session_id=own; Path=/', 'Set-Cookie: frontend_lang=de_DE')
  expect(headers['x-told-scheme']).toBe('https')
  expect(headers['set-cookie']).toEqual([
    'session_id=own; Secure; SameSite=Lax; Path=/',
    'frontend_lang=de_DE; Secure',
  ])
}, 30_000)
