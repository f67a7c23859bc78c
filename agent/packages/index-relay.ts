import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Transform, type TransformCallback } from 'node:stream'
import { text as asText } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { AllowEntry } from '../egress/allow-list.ts'
import { type Dialer, RefusedError, UnreachableError } from '../egress/dial.ts'
import type { PythonIndex } from '../requirements/index-credentials.ts'
import type { IndexFault, IndexFaults } from './index-faults.ts'
import { createIndexLinks, type IndexTarget } from './index-links.ts'
import { isIndexPage } from './index-pages.ts'
import { createIndexUpstream } from './index-upstream.ts'
import { createPageReader } from './page-reader.ts'

export interface IndexRelay extends AsyncDisposable {
  /** @param path below `base`, which the relay is reached at. */
  answer(path: string, base: string, incoming: IncomingMessage, response: ServerResponse): Promise<void>
  readonly faults: IndexFaults
  /** What pip says, with the index's addresses instead of ours. */
  translate(text: string, base: string): string
}

const maxFaults = 100
const maxPageBytes = 32 * 1024 ** 2
const maxFileBytes = 4 * 1024 ** 3

/**
 * One package index as a build sees it: read only, pages of projects and what they link to, with a credential that the
 * build never holds. Links and redirects that lead to other servers are left as they are: pip follows them by the proxy,
 * without the credential.
 */
export function createIndexRelay(
  dialer: Dialer,
  index: PythonIndex,
  allow: readonly AllowEntry[],
  onRefusal: (error: RefusedError) => void,
): IndexRelay {
  const key = randomBytes(32)
  const links = createIndexLinks(new URL(index.url), key)
  const upstream = createIndexUpstream(dialer, index, allow)
  const faults: IndexFaults = new Map()
  const reader = createPageReader()
  // A page is held whole: one at a time, whatever the build asks for at once.
  let turn: Promise<unknown> = Promise.resolve()

  async function answer(path: string, base: string, incoming: IncomingMessage, response: ServerResponse) {
    const target = incoming.method === 'GET' ? links.toTarget(path) : undefined
    if (!target) return end(response, 404)
    const { url, kind } = target
    const left = new AbortController()
    response.once('close', () => left.abort())
    const fetch = async () => {
      left.signal.throwIfAborted()
      const answered = await upstream.get(`${url.pathname}${url.search}`, ask(kind, incoming), left.signal)
      await passOn(target, base, answered, response)
    }
    try {
      if (kind === 'file') return await fetch()
      const fetched = turn.then(fetch)
      turn = fetched.catch(() => undefined)
      await fetched
    } catch (error) {
      if (left.signal.aborted) return
      if (error instanceof RefusedError) onRefusal(error)
      note(url, faultOf(error))
      end(response, 502)
    }
  }

  async function passOn(
    { url, kind }: IndexTarget,
    base: string,
    answered: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const status = answered.statusCode ?? 502
    if (status === 200) {
      await (kind === 'page' ? sendPage(url, base, answered, response) : sendFile(answered, response))
      faults.delete(url.href)
      return
    }
    answered.resume()
    const location = URL.parse(answered.headers.location ?? '', url.href)
    if (location && [301, 302, 303, 307, 308].includes(status)) {
      faults.delete(url.href)
      response.setHeader('location', links.toBuild(location, base, kind))
      return end(response, status)
    }
    if (status === 401 || status === 403) note(url, { kind: 'denied', status })
    else if (status >= 500 || status === 429) note(url, { kind: 'unavailable', what: `HTTP ${status}` })
    // Without asking for a credential: pip has none.
    end(response, status === 401 ? 403 : status < 400 ? 502 : status)
  }

  async function sendPage(url: URL, base: string, answered: IncomingMessage, response: ServerResponse) {
    const contentType = answered.headers['content-type'] ?? ''
    if (!isIndexPage(contentType)) throw new Error(`no page of an index but ${contentType || 'no type'}`)
    const zipped = answered.headers['content-encoding'] === 'gzip'
    const steps = zipped ? [createGunzip(), limit(maxPageBytes)] : [limit(maxPageBytes)]
    const last = steps.at(-1)!
    const [body] = await Promise.all([asText(last), pipeline([answered, ...steps])])
    const page = { contentType, body, address: url.href, index: index.url, key, base }
    const text = await reader.read(page)
    response.writeHead(200, { 'content-type': contentType.replace(/;.*/, '; charset=utf-8') }).end(text)
  }

  async function sendFile(answered: IncomingMessage, response: ServerResponse): Promise<void> {
    const names = ['content-type', 'content-length', 'content-encoding'] as const
    for (const name of names) if (answered.headers[name]) response.setHeader(name, answered.headers[name])
    response.writeHead(200)
    await pipeline(answered, limit(maxFileBytes), response)
  }

  function note({ href }: URL, fault: IndexFault): void {
    if (faults.has(href) || faults.size < maxFaults) faults.set(href, fault)
  }

  return {
    answer,
    faults,
    translate: links.translate,
    async [Symbol.asyncDispose]() {
      upstream[Symbol.dispose]()
      await reader[Symbol.asyncDispose]()
    },
  }
}

const ask = (kind: IndexTarget['kind'], { headers }: IncomingMessage) => ({
  accept: headers.accept ?? '*/*',
  // Files are checked by hash as they come.
  'accept-encoding': kind === 'page' ? 'gzip' : 'identity',
  'user-agent': headers['user-agent']?.slice(0, 500) ?? 'pip',
})

function faultOf(error: unknown): IndexFault {
  if (error instanceof RefusedError) return { kind: 'refused' }
  if (error instanceof UnreachableError)
    return error.failure.isPublic ? { kind: 'unavailable', what: error.failure.what } : { kind: 'refused' }
  const { code, message } = error as NodeJS.ErrnoException
  return { kind: 'unavailable', what: code && !message.includes(code) ? `${message} (${code})` : message }
}

function limit(bytes: number): Transform {
  let left = bytes
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      left -= chunk.length
      if (left < 0) done(new Error(`more than ${bytes} bytes`))
      else done(null, chunk)
    },
  })
}

function end(response: ServerResponse, status: number): void {
  if (response.headersSent) response.destroy()
  else response.writeHead(status).end()
}
