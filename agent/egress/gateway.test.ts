import { createServer, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, isIP } from 'node:net'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../../test/support/postgres.ts'
import { waitFor } from '../../test/support/wait-for.ts'
import { createAddressRules } from './addresses.ts'
import { parseAllowEntry } from './allow-list.ts'
import { createDialer, type Failure, type Refusal, type ResolvedAddress } from './dial.ts'
import { type Gateway, type GatewayClient, openGateway, refusedText } from './gateway.ts'

const seen: { url: string; headers: IncomingMessage['headers']; body: string }[] = []
let connections = 0
const service = createServer(async (incoming, response) => {
  const body = await text(incoming)
  seen.push({ url: incoming.url ?? '', headers: incoming.headers, body })
  response.end(`answer to ${incoming.url}`)
})
service.on('connection', () => connections++)
let port: number

beforeAll(async () => {
  await new Promise<void>((done) => service.listen(0, '127.0.0.1', done))
  port = (service.address() as AddressInfo).port
})
afterAll(() => {
  service.closeAllConnections()
  service.close()
})
beforeEach(() => {
  seen.length = 0
  connections = 0
})

interface Opened extends AsyncDisposable {
  gateway: Gateway
  refusals: Refusal[]
  failures: Failure[]
}

interface Asked extends Partial<GatewayClient> {
  operator?: string[]
  resolve?: (host: string) => Promise<ResolvedAddress[]>
}

async function open({ operator = [], resolve, ...client }: Asked = {}): Promise<Opened> {
  const rules = createAddressRules({ operator: operator.map(parseAllowEntry), containerNetworks: [] })
  const refusals: Refusal[] = []
  const failures: Failure[] = []
  const gateway = await openGateway(
    createDialer({ rules, resolve }),
    {
      listenOn: '127.0.0.1',
      allow: [],
      onRefusal: (refusal) => refusals.push(refusal),
      onFailure: (failure) => failures.push(failure),
      ...client,
    },
    new AbortController().signal,
  )
  return { gateway, refusals, failures, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() }
}

const authorization = ({ password }: Gateway) =>
  `Basic ${Buffer.from(`fairway:${password}`).toString('base64')}`

/** Sends the bytes as they are; everything that came back until the gateway closed. */
async function raw(gateway: Gateway, bytes: string): Promise<string> {
  const socket = connect(gateway.port, gateway.address)
  socket.write(bytes)
  return text(socket)
}
const withCredential = (gateway: Gateway, line: string, more = '') =>
  `${line} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${authorization(gateway)}\r\n${more}\r\n`
const askTunnel = (gateway: Gateway, authority: string) =>
  raw(gateway, withCredential(gateway, `CONNECT ${authority}`))
const askHttp = (gateway: Gateway, url: string, more = 'Connection: close\r\n') =>
  raw(gateway, withCredential(gateway, `GET ${url}`, more))
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])

describe('what is allowed', () => {
  test('passes by http, with the headers that are for the target', async () => {
    await using opened = await open({ operator: [`127.0.0.1:${port}`] })
    const headers = 'X-Mine: 1\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nProxy-Connection: close\r\n'
    const answer = await askHttp(opened.gateway, `http://127.0.0.1:${port}/a?b`, headers)
    expect(answer).toContain('answer to /a?b')
    expect(seen[0]?.headers).toEqual({ 'x-mine': '1', host: `127.0.0.1:${port}`, connection: 'close' })
  })

  test('passes with a body, whole and chunked', async () => {
    await using opened = await open({ operator: [`127.0.0.1:${port}`] })
    const { gateway } = opened
    for (const framing of [{ 'content-length': '5' }, { 'transfer-encoding': 'chunked' }]) {
      const outgoing = request({
        host: gateway.address,
        port: gateway.port,
        method: 'POST',
        path: `http://127.0.0.1:${port}/`,
        headers: { 'proxy-authorization': authorization(gateway), expect: '100-continue', ...framing },
      })
      outgoing.end('hello')
      const answer = await new Promise<IncomingMessage>((done) => outgoing.once('response', done))
      expect(await text(answer)).toBe('answer to /')
    }
    expect(seen.map(({ body }) => body)).toEqual(['hello', 'hello'])
  })

  test('passes by CONNECT, both ways', async () => {
    await using opened = await open({ operator: [`127.0.0.1:${port}`] })
    const inner = `GET /inner HTTP/1.1\r\nHost: y\r\nConnection: close\r\n\r\n`
    const answer = await raw(
      opened.gateway,
      withCredential(opened.gateway, `CONNECT 127.0.0.1:${port}`) + inner,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*answer to \/inner/)
  })

  test('that fails is told of, and not to the client where it is not public', async () => {
    const closed = await freePort()
    await using opened = await open({ operator: [`127.0.0.1:${closed}`] })
    const answer = await askTunnel(opened.gateway, `127.0.0.1:${closed}`)
    expect(statusOf(answer)).toBe(403)
    expect(answer).toContain(refusedText)
    expect(opened.failures).toEqual([
      { host: '127.0.0.1', port: closed, isPublic: false, what: 'connection refused' },
    ])
  })
})

describe('what is refused', () => {
  test('an open port, a closed one and a name that is none are answered alike, and nothing is connected to', async () => {
    await using opened = await open()
    const closed = await freePort()
    const hosts = [`127.0.0.1:${port}`, `127.0.0.1:${closed}`, `localhost:${port}`, 'nothing.invalid:443']
    const answers = await Promise.all(hosts.map((host) => askTunnel(opened.gateway, host)))
    expect(new Set(answers).size).toBe(1)
    expect(statusOf(answers[0]!)).toBe(403)
    const byHttp = await Promise.all(hosts.map((host) => askHttp(opened.gateway, `http://${host}/`)))
    expect(new Set(byHttp.map((answer) => answer.replace(/^date:.*$/im, ''))).size).toBe(1)
    expect(connections).toBe(0)
    expect(opened.refusals).toHaveLength(8)
    expect(opened.refusals.find(({ host }) => host === 'localhost')).toMatchObject({
      port,
      why: 'an address of this host itself',
    })
  })

  test.each([
    '169.254.169.254:80',
    '[::ffff:127.0.0.1]:PORT',
    '[::1]:PORT',
    '[64:ff9b::7f00:1]:PORT',
    '0.0.0.0:PORT',
    '[::]:PORT',
    '2130706433:PORT',
    '0x7f000001:PORT',
    '0x7f.1:PORT',
    '0177.0.0.1:PORT',
    '127.1:PORT',
    '127.0.0.1.:PORT',
    'LOCALHOST.:PORT',
  ])('CONNECT %s', async (authority) => {
    await using opened = await open({ mayUsePort: () => true })
    expect(statusOf(await askTunnel(opened.gateway, authority.replace('PORT', String(port))))).toBe(403)
    expect(connections).toBe(0)
    expect(opened.refusals).toHaveLength(1)
  })

  test.each([
    ['CONNECT user@127.0.0.1:PORT', 400],
    ['CONNECT [fe80::1%25lo]:PORT', 403],
    ['CONNECT 127.0.0.1:0', 400],
    ['CONNECT 127.0.0.1:99999', 400],
    ['CONNECT 127.0.0.1', 400],
    ['GET http://user@127.0.0.1:PORT/', 400],
    ['GET http://allowed.example@127.0.0.1:PORT/', 400],
    ['GET http://127.0.0.1:PORT\\@allowed.example/', 400],
    ['GET http://0x7f.1:PORT/', 403],
    ['GET http://2130706433:PORT/', 403],
    ['GET http://127.0.0.1.:PORT/', 403],
    ['GET https://127.0.0.1:PORT/', 400],
    ['GET ftp://127.0.0.1:PORT/', 400],
    ['GET file:///etc/passwd', 400],
    ['GET /', 400],
  ])('%s', async (line, status) => {
    await using opened = await open({ mayUsePort: () => true })
    const bytes = withCredential(opened.gateway, line.replace('PORT', String(port)), 'Connection: close\r\n')
    expect(statusOf(await raw(opened.gateway, bytes))).toBe(status)
    expect(connections).toBe(0)
  })

  test('ports that are not the web, but for one that an entry names', async () => {
    const resolve = async () => [{ address: '127.0.0.1', family: 4 }]
    await using opened = await open({ operator: ['mail.example'], resolve })
    expect(statusOf(await askTunnel(opened.gateway, `mail.example:${port}`))).toBe(403)
    expect(opened.refusals[0]?.why).toBe('a port that is not open to everybody')
    await using naming = await open({ operator: [`mail.example:${port}`], resolve })
    const bytes = `${withCredential(naming.gateway, `CONNECT mail.example:${port}`)}GET / HTTP/1.1\r\nHost: y\r\nConnection: close\r\n\r\n`
    expect(statusOf(await raw(naming.gateway, bytes))).toBe(200)
  })

  test('a name with one address of ours among public ones', async () => {
    const resolve = async () => ['203.0.113.1', '127.0.0.1'].map((address) => ({ address, family: 4 }))
    await using opened = await open({ resolve, mayUsePort: () => true })
    expect(statusOf(await askTunnel(opened.gateway, `mixed.example:${port}`))).toBe(403)
    expect(connections).toBe(0)
  })

  test('a name that changes after it was checked: what was checked is connected to', async () => {
    const answers = [['127.0.0.1'], ['169.254.169.254']]
    let lookups = 0
    const resolve = async () => answers[lookups++]!.map((address) => ({ address, family: 4 }))
    await using opened = await open({ operator: [`127.0.0.1:${port}`], resolve })
    const answer = await askHttp(opened.gateway, `http://rebinding.example:${port}/first`)
    expect(answer).toContain('answer to /first')
    expect(lookups).toBe(1)
    expect(seen[0]?.headers.host).toBe(`rebinding.example:${port}`)
    expect(statusOf(await askHttp(opened.gateway, `http://rebinding.example:${port}/second`))).toBe(403)
    expect(opened.refusals[0]?.address).toBe('169.254.169.254')
  })

  test('who does not present the credential', async () => {
    await using opened = await open({ operator: [`127.0.0.1:${port}`] })
    const basic = Buffer.from('fairway:guess').toString('base64')
    for (const header of ['', `Proxy-Authorization: Basic ${basic}\r\n`])
      for (const line of [`CONNECT 127.0.0.1:${port}`, `GET http://127.0.0.1:${port}/`]) {
        const bytes = `${line} HTTP/1.1\r\nHost: x\r\n${header}Connection: close\r\n\r\n`
        expect(statusOf(await raw(opened.gateway, bytes))).toBe(407)
      }
    expect(connections).toBe(0)
  })

  test('requests that could be read in two ways, and ones that are too large', async () => {
    await using opened = await open({ operator: [`127.0.0.1:${port}`] })
    const { gateway } = opened
    const line = `POST http://127.0.0.1:${port}/`
    const hidden = `0\r\n\r\nGET http://127.0.0.1:${port}/hidden HTTP/1.1\r\n\r\n`
    for (const headers of [
      `Content-Length: ${hidden.length}\r\nTransfer-Encoding: chunked\r\n`,
      'Content-Length: 5\r\nContent-Length: 6\r\n',
      'Transfer-Encoding: xchunked\r\n',
      'Transfer-Encoding : chunked\r\n',
      'X: a\rb\r\n',
      `X: ${'x'.repeat(20_000)}\r\n`,
    ])
      expect(statusOf(await raw(gateway, withCredential(gateway, line, headers) + hidden))).toBe(400)
    expect(seen).toEqual([])
  })

  const rules = createAddressRules({ operator: [], containerNetworks: [] })
  /** `1.1` is one: it would be allowed, and these tests send nothing to others. */
  const isPublic = (name: string) =>
    [`http://${name}`, `http://${name}:${port}`].some((text) => {
      const address = URL.parse(text)?.hostname.replace(/^\[(.*)\]$/, '$1') ?? ''
      return isIP(address) > 0 && rules.kindOf(address) === 'public'
    })

  test('nothing that can be asked for reaches what is not allowed', async () => {
    await using opened = await open({ mayUsePort: () => true })
    const host = fc.oneof(
      fc.constantFrom(
        '127.0.0.1',
        'localhost',
        '[::1]',
        '0',
        '127.1',
        '0x7f.0.0.1',
        '[::ffff:7f00:1]',
        '017700000001',
      ),
      fc.string({ unit: fc.constantFrom(...'127.0x:[]@%/\\?#'), maxLength: 20 }),
    )
    const asked = fc.tuple(
      fc.constantFrom('CONNECT ', 'GET http://', 'GET http:', 'GET '),
      host.filter((name) => !isPublic(name)),
    )
    await fc.assert(
      fc.asyncProperty(asked, async ([line, name]) => {
        const bytes = withCredential(opened.gateway, `${line}${name}:${port}`, 'Connection: close\r\n')
        expect([400, 403]).toContain(statusOf(await raw(opened.gateway, bytes)))
      }),
      { numRuns: 200 },
    )
    expect(connections).toBe(0)
  })
})

describe('its limits', () => {
  test('a connection without a byte is ended', async () => {
    await using opened = await open({ operator: [`127.0.0.1:${port}`], limits: { idleMs: 50 } })
    expect(await askTunnel(opened.gateway, `127.0.0.1:${port}`)).toMatch(/^HTTP\/1\.1 200/)
  })

  test('so is one that never ends', async () => {
    const chatty = createTcpServer((socket) => {
      const timer = setInterval(() => socket.write('x'), 5)
      socket.on('error', () => undefined).on('close', () => clearInterval(timer))
    })
    await new Promise<void>((done) => chatty.listen(0, '127.0.0.1', done))
    const { port: chattyPort } = chatty.address() as AddressInfo
    await using opened = await open({ operator: [`127.0.0.1:${chattyPort}`], limits: { totalMs: 200 } })
    expect(await askTunnel(opened.gateway, `127.0.0.1:${chattyPort}`)).toMatch(/x+$/)
    chatty.close()
  })

  test('more connections than it has are not taken', async () => {
    await using opened = await open({ limits: { connections: 2 } })
    const { gateway } = opened
    const sockets = [1, 2].map(() => connect(gateway.port, gateway.address))
    await Promise.all(sockets.map((socket) => new Promise((done) => socket.once('connect', done))))
    await waitFor('the third to be turned away', async () =>
      text(connect(gateway.port, gateway.address)).then(
        (answer) => answer === '',
        () => true,
      ),
    )
    for (const socket of sockets) socket.destroy()
  })

  test('an abort ends its connections, and it listens no more', async () => {
    const rules = createAddressRules({
      operator: [parseAllowEntry(`127.0.0.1:${port}`)],
      containerNetworks: [],
    })
    const stopping = new AbortController()
    const gateway = await openGateway(
      createDialer({ rules }),
      { listenOn: '127.0.0.1', allow: [] },
      stopping.signal,
    )
    const socket = connect(gateway.port, gateway.address)
    const closed = new Promise((done) => socket.on('error', () => undefined).once('close', done))
    socket.write(withCredential(gateway, `CONNECT 127.0.0.1:${port}`))
    await new Promise((done) => socket.once('data', done))
    stopping.abort()
    await closed
    await waitFor('it to be closed', () =>
      text(connect(gateway.port, gateway.address)).then(
        () => false,
        (error) => error.code === 'ECONNREFUSED',
      ),
    )
  })
})
