import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createRegistryClient } from './registry-client.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test.each([
  ['registry.example', 0],
  ['127.0.0.1:5000', 1],
])('%s sends for a token to services of this host: %i requests', async (registry, expected) => {
  let asked = 0
  const service = await serve((_request, response) => {
    asked++
    response.end('{"token": "good"}')
  })
  const base = await serve((request, response) => {
    const status = request.headers.authorization === 'Bearer good' ? 200 : 401
    response
      .writeHead(status, { 'www-authenticate': `Bearer realm="${service}/token",service="x"` })
      .end('{}')
  })
  const auth = { username: 'ana', password: 'secret', serveraddress: '' }
  const place = { registry, base, name: 'acme/odoo', actions: 'pull' }
  const ask = createRegistryClient(place, auth, AbortSignal.timeout(10_000))
  const answer = ask('GET', '/v2/acme/odoo/tags/list')
  if (expected === 0) await expect(answer).rejects.toMatchObject({ reason: 'registry-denied' })
  else expect((await answer).status).toBe(200)
  expect(asked).toBe(expected)
})

test.each([
  [503, 'registry-unavailable', /^the token service 127\.0\.0\.1:\d+ of the registry answers 503: try again/],
  [429, 'registry-unavailable', /answers 429/],
  [403, 'registry-denied', /credential/],
  ['nobody', 'registry-unavailable', /does not answer: /],
])('a token service that has trouble refuses nobody: %s', async (ending, reason, message) => {
  const service = await serve((_request, response) => {
    if (ending === 'nobody') response.destroy()
    else response.writeHead(Number(ending)).end()
  })
  const base = await serve((_request, response) => {
    response.writeHead(401, { 'www-authenticate': `Bearer realm="${service}/token"` }).end()
  })
  const place = { registry: '127.0.0.1:5000', base, name: 'acme/unauthorized', actions: 'pull' }
  const auth = { username: '', password: '', serveraddress: '' }
  const ask = createRegistryClient(place, auth, AbortSignal.timeout(10_000))
  await expect(ask('GET', '/v2/acme/unauthorized/tags/list')).rejects.toMatchObject({
    reason,
    message: expect.stringMatching(message),
  })
})
