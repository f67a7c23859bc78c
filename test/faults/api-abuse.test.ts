import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let token: string

beforeAll(async () => {
  server = await startTestServer()
  token = (await server.createTenant('abused')).token
})

afterAll(() => server?.close())

async function call(method: string, body: Uint8Array | string, headers: Record<string, string>) {
  const response = await fetch(`${server.url}/fairway.v1.${method}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  })
  const text = await response.text()
  return {
    status: response.status,
    code: text.startsWith('{') ? (JSON.parse(text) as { code?: string }).code : text,
  }
}

const json = { 'content-type': 'application/json' }
const proto = { 'content-type': 'application/proto' }
const start = 'BuildService/StartBuild'

afterAll(async () => {
  const { status } = await fetch(`${server.url}/healthz`).catch(() => ({ status: 0 }))
  expect(status).toBe(200)
})

test.each([
  ['bytes that are no protobuf', proto, Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])],
  ['an endless varint', proto, Buffer.alloc(20, 0xff)],
  ['a truncated field', proto, Buffer.from([0x0a, 0x10, 0x41])],
  ['half a JSON text', json, '{"project":'],
  ['JSON of the wrong type', json, '{"project":{"a":1}}'],
  ['an array', json, '[]'],
  ['a NUL in a name', json, '{"project":"sh\\u0000op","branch":"main"}'],
])('fault 37: %s is InvalidArgument', async (_, headers, body) => {
  expect(await call(start, body, headers)).toEqual({ status: 400, code: 'invalid_argument' })
})

test('fault 37: a stream is told the same', async () => {
  const body = Buffer.concat([Buffer.from([0, 0, 0, 0, 3]), Buffer.from([0x0a, 0xff, 0xff])])
  const { status, code } = await call('BuildService/WatchBuild', body, {
    'content-type': 'application/connect+proto',
  })
  expect(status).toBe(200)
  const answer = Buffer.from(code ?? '', 'latin1')
  expect(JSON.parse(answer.subarray(5).toString())).toMatchObject({ error: { code: 'invalid_argument' } })
})

test('fault 37: an unknown enum value is InvalidArgument, not stored', async () => {
  const body = JSON.stringify({
    name: 'shop',
    repositoryUrl: 'https://git.example/a/b',
    branchRules: [{ pattern: 'main', stage: 99 }],
  })
  expect(await call('ProjectService/CreateProject', body, json)).toEqual({
    status: 400,
    code: 'invalid_argument',
  })
})

test('fault 38: a message of 5 MiB is refused', async () => {
  const body = JSON.stringify({ project: 'x'.repeat(5 * 1024 * 1024) })
  const { code } = await call(start, body, json)
  expect(code).toBe('resource_exhausted')
})

test('fault 38: a small message that unpacks to 200 MiB is refused', async () => {
  const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024, 0x20))
  expect(bomb.length).toBeLessThan(300_000)
  const before = process.memoryUsage().rss
  const { code } = await call(start, bomb, { ...json, 'content-encoding': 'gzip' })
  expect(code).toBe('resource_exhausted')
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024)
})
