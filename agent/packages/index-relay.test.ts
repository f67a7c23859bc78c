import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { createAddressRules } from '../egress/addresses.ts'
import { parseAllowEntry } from '../egress/allow-list.ts'
import { createDialer, type RefusedError } from '../egress/dial.ts'
import { run } from '../process.ts'
import { indexError } from './index-faults.ts'
import { createIndexRelay } from './index-relay.ts'
import { serveIndex } from './index-server.ts'

// An index, and what a build gets of it, over real connections.

const opened: AsyncDisposable[] = []
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each[Symbol.asyncDispose]()
})

interface Upstream {
  readonly url: string
  readonly host: string
  /** What was presented, and what was asked for. */
  readonly asked: { path: string; authorization: string | undefined; host: string | undefined }[]
}

async function serve(answer: RequestListener): Promise<Upstream> {
  const asked: Upstream['asked'] = []
  const server = createServer((request: IncomingMessage, response) => {
    const { authorization, host } = request.headers
    asked.push({ path: request.url ?? '', authorization, host })
    answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  opened.push({
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  })
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url: `http://${host}`, host, asked }
}

const login = { username: 'reader', password: 'index-pass' }
const authorization = `Basic ${Buffer.from('reader:index-pass').toString('base64')}`

/** The relay of that index, and a way to ask it. */
async function relayOf(url: string, allow = ['127.0.0.1']) {
  const rules = createAddressRules({ operator: allow.map(parseAllowEntry), containerNetworks: [] })
  const refused: RefusedError[] = []
  const relay = createIndexRelay(createDialer({ rules }), { url, login }, [], (error) => refused.push(error))
  const server = await serveIndex(relay, '127.0.0.1')
  opened.push(relay, server)
  const get = (address: string, init: RequestInit = {}) => fetch(address, { redirect: 'manual', ...init })
  const page = (name: string) => get(`${server.base}/simple/${name}/`)
  return { relay, server, refused, get, page }
}

const html = (body: string) => ({ type: 'text/html; charset=utf-8', body })
const hrefs = (page: string) =>
  [...page.matchAll(/href="([^"]*)"/g)].map(([, href = '']) => href.replaceAll('&amp;', '&'))

test('links of the index come through, with its credential; those of others stay as they are', async () => {
  const other = await serve((_request, response) => response.end('elsewhere'))
  const index = await serve((request, response) => {
    if (request.url === '/root/simple/foo/')
      return response.setHeader('content-type', html('').type).end(`<html><body>
<a href="../../files/foo-1.0.whl?a=1&amp;b=2#sha256=abc" data-requires-python="&gt;=3" onclick="x()">foo</a>
<a href="/files/foo-1.1%2Blocal.whl">foo</a>
<a href="http://user:word@${other.host}/foo-2.0.whl#sha256=def" data-yanked>foo</a>
<a href="javascript:alert(1)">no</a><a href="file:///etc/passwd">no</a><a>no</a><script>no</script>
</body></html>`)
    response.end(`file ${request.url}`)
  })
  const { server, page, get } = await relayOf(`${index.url}/root/simple`)
  const answer = await page('foo')
  const text = await answer.text()
  const [first = '', second = '', third, ...more] = hrefs(text)
  expect(more).toEqual([])
  expect(text).toContain('data-requires-python="&gt;=3"')
  expect(text).toContain('data-yanked=""')
  expect(text).not.toMatch(/onclick|script|word/)
  expect(first).toMatch(new RegExp(`^${server.base}/file/[^/]+/foo-1\\.0\\.whl#sha256=abc$`))
  expect(third).toBe(`http://${other.host}/foo-2.0.whl#sha256=def`)
  expect(await (await get(first)).text()).toBe('file /root/files/foo-1.0.whl?a=1&b=2')
  // As pip writes it.
  expect(await (await get(second.replace('%2B', '+'))).text()).toBe('file /files/foo-1.1%2Blocal.whl')
  const metadata = await get(first.replace(/#.*/, '.metadata'))
  expect(await metadata.text()).toBe('file /root/files/foo-1.0.whl?a=1&b=2.metadata')
  expect(index.asked.map(({ authorization: presented }) => presented)).toEqual(
    index.asked.map(() => authorization),
  )
  expect(index.asked[0]?.host).toBe(index.host)
  expect(other.asked).toEqual([])
})

test('JSON, gzip and base are understood', async () => {
  const index = await serve((request, response) => {
    if (request.url === '/simple/json/') {
      const files = [
        { filename: 'a.whl', url: '../../a.whl', hashes: { sha256: 'x' }, 'core-metadata': true },
        { filename: 'b.whl', url: 'ftp://127.0.0.1/b.whl', hashes: {} },
      ]
      const type = 'application/vnd.pypi.simple.v1+json'
      response.writeHead(200, { 'content-type': type, 'content-encoding': 'gzip' })
      return response.end(gzipSync(JSON.stringify({ meta: { 'api-version': '1.1' }, name: 'json', files })))
    }
    response.setHeader('content-type', 'application/vnd.pypi.simple.v1+html')
    response.end('<base href="/deep/down/"><a href="c.whl">c</a><base href="/ignored/">')
  })
  const { server, page, get } = await relayOf(`${index.url}/simple/`)
  const json = (await (await page('json')).json()) as { files: Record<string, unknown>[] }
  expect(json).toMatchObject({ name: 'json', meta: { 'api-version': '1.1' } })
  expect(json.files).toEqual([
    {
      filename: 'a.whl',
      hashes: { sha256: 'x' },
      'core-metadata': true,
      url: expect.stringContaining(server.base),
    },
  ])
  const [based = ''] = hrefs(await (await page('based')).text())
  await (await get(based)).text()
  expect(index.asked.at(-1)?.path).toBe('/deep/down/c.whl')
})

test('redirects stay with the index, or lose its credential', async () => {
  const other = await serve((_request, response) => response.end('elsewhere'))
  const index = await serve((request, response) => {
    const [, , name] = request.url?.split('/') ?? []
    const locations: Record<string, string> = {
      here: '/canonical/here/',
      there: `${other.url}/there.whl`,
      // Another port of the same machine is another server.
      name: `http://localhost:${index.host.split(':')[1]}/x`,
    }
    if (name && locations[name] && request.url?.startsWith('/simple/'))
      return response.writeHead(302, { location: locations[name] }).end()
    response.setHeader('content-type', 'text/html').end('<a href="x.whl">x</a>')
  })
  const { server, page, get } = await relayOf(`${index.url}/simple`)
  const here = (await page('here')).headers.get('location') ?? ''
  expect(here.startsWith(`${server.base}/page/`)).toBe(true)
  expect(hrefs(await (await get(here)).text())).toEqual([expect.stringContaining(`${server.base}/file/`)])
  expect((await page('there')).headers.get('location')).toBe(`${other.url}/there.whl`)
  expect((await page('name')).headers.get('location')).toBe(`http://localhost:${index.host.split(':')[1]}/x`)
  expect(other.asked).toEqual([])
})

test('the credential is no key to what the index did not name', async () => {
  const index = await serve((_request, response) =>
    response.setHeader('content-type', 'text/html').end('<a href="/files/x.whl">x</a>'),
  )
  const { server, page, get } = await relayOf(`${index.url}/simple`)
  const [link = ''] = hrefs(await (await page('x')).text())
  const asked = index.asked.length
  const signed = link.slice(server.base.length)
  const attempts = [
    `${server.base}/admin`,
    `${server.base}/simple/`,
    `${server.base}/simple/x/../../admin/`,
    `${server.base}/simple/%2e%2e/`,
    `${server.base}/simple/x%2f..%2fadmin/`,
    `${server.base}/simple/x/?y=1`,
    `${server.base}/file/${'a'.repeat(22)}.${Buffer.from('/admin').toString('base64url')}/admin`,
    `${server.base}${signed.replace('/file/', '/page/')}`,
    `${server.base}${signed.replace(/\.[\w-]+\//, `.${Buffer.from('/admin').toString('base64url')}/`)}`,
    `http://127.0.0.1:${server.port}/simple/x/`,
    `http://127.0.0.1:${server.port}/${'a'.repeat(32)}/simple/x/`,
  ]
  for (const attempt of attempts) expect((await get(attempt)).status, attempt).toBe(404)
  for (const method of ['POST', 'PUT', 'DELETE', 'HEAD'])
    expect((await get(link, { method })).status).toBe(404)
  expect(index.asked.length).toBe(asked)
})

test('what goes wrong is known, and forgotten once it went right', async () => {
  let answer: { status: number; type?: string; body?: string } = { status: 401 }
  const index = await serve((_request, response) => {
    response.writeHead(answer.status, {
      'www-authenticate': 'Basic',
      'content-type': answer.type ?? 'text/html',
    })
    response.end(answer.body)
  })
  const { relay, page, server } = await relayOf(`${index.url}/simple`)
  const after = async (next: typeof answer) => {
    answer = next
    const { status, headers } = await page('foo')
    expect(headers.get('www-authenticate')).toBeNull()
    return { status, error: indexError(relay.faults) }
  }
  const denied = await after({ status: 401 })
  expect(denied).toMatchObject({ status: 403, error: { reason: 'python-index-denied' } })
  expect(denied.error?.message).toContain(`refuses ${index.url}/simple/foo/ (HTTP 401)`)
  expect(denied.error?.message).toContain(`credential set PROJECT python ${index.host}`)
  expect(await after({ status: 503 })).toMatchObject({ status: 503, error: { message: /HTTP 503/ } })
  expect(await after({ status: 200, type: 'text/plain' })).toMatchObject({ status: 502 })
  const json = 'application/vnd.pypi.simple.v1+json'
  expect(await after({ status: 200, type: json, body: '{}' })).toMatchObject({
    status: 502,
    error: { message: expect.stringContaining('it lists no files') },
  })
  expect(await after({ status: 200, body: '<a href="x.whl">' })).toEqual({ status: 200, error: undefined })
  expect(await after({ status: 404 })).toEqual({ status: 404, error: undefined })
  const tooLong = await after({ status: 200, body: 'x'.repeat(33 * 1024 ** 2) })
  expect(tooLong).toMatchObject({ status: 502, error: { reason: 'python-index-unavailable' } })
  const said = `Looking in ${server.base}/simple, ${server.base}/simple/foo/: 404`
  expect(relay.translate(said, server.base)).toBe(
    `Looking in ${index.url}/simple, ${index.url}/simple/foo/: 404`,
  )
})

test('an index that may not be reached is not reached, and told like one that is not there', async () => {
  const index = await serve((_request, response) => response.end())
  const { relay, page, refused } = await relayOf(`${index.url}/simple`, [])
  expect((await page('foo')).status).toBe(502)
  expect(index.asked).toEqual([])
  expect(refused[0]?.refusal).toMatchObject({ host: '127.0.0.1' })
  const nobody = await relayOf('http://127.0.0.1:9/simple')
  await nobody.page('foo')
  const [error, other] = [indexError(relay.faults), indexError(nobody.relay.faults)]
  expect(error).toMatchObject({
    reason: 'python-index-unavailable',
    message: /network\.allow of the policy/,
  })
  const told = (text = '') => text.replace(/http\S+/, '')
  expect(told(other?.message)).toBe(told(error?.message))
})

test('over TLS the server has to be who it says, by the authorities of this host', async () => {
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const more = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', '-']
  const { stdout: pem } = await run('openssl', [...args, ...more])
  const presented: (string | undefined)[] = []
  const server = createSecureServer({ key: pem, cert: pem }, (request, response) => {
    presented.push(request.headers.authorization)
    response.setHeader('content-type', 'text/html').end('<a href="/files/x-1.whl">x</a>')
  })
  // Both addresses of the name.
  server.listen(0)
  await once(server, 'listening')
  opened.push({
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  })
  const { port } = server.address() as AddressInfo
  const { relay, page } = await relayOf(`https://localhost:${port}/simple`, ['localhost'])
  expect((await page('x')).status).toBe(502)
  expect(indexError(relay.faults)?.message).toContain('self-signed certificate')
  expect(presented).toEqual([])
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, pem.slice(pem.indexOf('-----BEGIN CERTIFICATE'))])
  try {
    expect(await (await page('x')).text()).toContain('/x-1.whl"')
    expect(presented).toEqual([authorization])
    const other = await relayOf(`https://127.0.0.1:${port}/simple`)
    expect((await other.page('x')).status).toBe(502)
    expect(presented).toHaveLength(1)
  } finally {
    setDefaultCACertificates(before)
  }
})

test('addresses of files are told as the index has them', async () => {
  const index = await serve((_request, response) =>
    response.setHeader('content-type', 'text/html').end('<a href="/files/x-1.whl">x</a>'),
  )
  const { relay, server, page } = await relayOf(`${index.url}/simple`)
  const [link = ''] = hrefs(await (await page('x')).text())
  expect(relay.translate(`Downloading ${link} (1 kB)`, server.base)).toBe(
    `Downloading ${index.url}/files/x-1.whl (1 kB)`,
  )
})
