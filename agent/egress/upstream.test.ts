import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLoopbackDialer } from '../../test/support/dialers.ts'
import { type Dialed, RefusedError, UnreachableError } from './dial.ts'
import { openGateway } from './gateway.ts'
import { createUpstream } from './upstream.ts'

// The proxy of a company is a gateway here: it speaks CONNECT, asks for a credential, and looks names up itself.

const service = createServer((_incoming, response) => response.end('answer'))
const { signal } = new AbortController()
const policy = { allow: [], mayUsePort: () => true }
let port: number
beforeAll(async () => {
  await new Promise<void>((done) => service.listen(0, '127.0.0.1', done))
  port = (service.address() as AddressInfo).port
})
afterAll(() => void service.close())

const openProxy = (resolve?: (host: string) => Promise<{ address: string; family: number }[]>) => {
  const dialer = createLoopbackDialer(['127.0.0.1'], { resolve })
  return openGateway(dialer, { listenOn: '127.0.0.1', allow: [], mayUsePort: () => true }, signal)
}
const unknown = () => Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }))
async function ask({ socket }: Dialed): Promise<string> {
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  return text(socket)
}

test('a name that only the proxy knows is asked of it', async () => {
  await using proxy = await openProxy(async () => [{ address: '127.0.0.1', family: 4 }])
  const dialer = createLoopbackDialer([], { upstream: createUpstream(proxy.url), resolve: unknown })
  const dialed = await dialer.dial({ host: 'only.example', port }, policy, signal)
  expect(await ask(dialed)).toContain('answer')
  const direct = dialer.dial({ host: 'only.example', port }, { ...policy, direct: true }, signal)
  await expect(direct).rejects.toThrow(RefusedError)
})

test('what this host finds to be private is refused, whatever the proxy may reach', async () => {
  await using proxy = await openProxy()
  const dialer = createLoopbackDialer([], { upstream: createUpstream(proxy.url) })
  for (const host of ['localhost', '127.0.0.1', '169.254.169.254'])
    await expect(dialer.dial({ host, port }, policy, signal)).rejects.toThrow(RefusedError)
})

test('a proxy that refuses, and one that is not there', async () => {
  await using proxy = await openProxy(unknown)
  const wrong = createUpstream(`http://fairway:wrong@127.0.0.1:${proxy.port}`)
  for (const upstream of [createUpstream(proxy.url), wrong, createUpstream('127.0.0.1:1')]) {
    const dialer = createLoopbackDialer([], { upstream, resolve: unknown })
    const dialing = dialer.dial({ host: 'only.example', port }, policy, signal)
    await expect(dialing).rejects.toThrow(UnreachableError)
  }
})

test.each([
  ['git.example', '', true],
  ['git.example', 'git.example', false],
  ['git.example', 'other.example, .example', false],
  ['git.example', '*.example', false],
  ['git.example', 'ample', true],
  ['git.example', '*', false],
])('%s, no_proxy=%j: %s', (host, noProxy, expected) => {
  expect(createUpstream('http://proxy:3128', noProxy).isFor(host)).toBe(expected)
})

test('an address that is none of a proxy', () => {
  for (const proxy of ['https://proxy:3128', 'socks5://proxy', 'http://'])
    expect(() => createUpstream(proxy)).toThrow('http://proxy.example:3128')
})
