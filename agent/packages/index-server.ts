import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { IndexRelay } from './index-relay.ts'

export interface IndexServer extends AsyncDisposable {
  readonly port: number
  /** `http://10.213.7.1:40123/<unguessable>`; the index of pip is `/simple` below it. */
  readonly base: string
}

const maxConnections = 32

/** Serves an index at an address of this host, to whoever knows its path: to one build. */
export async function serveIndex(relay: IndexRelay, address: string): Promise<IndexServer> {
  const root = `/${randomBytes(24).toString('base64url')}`
  const server = createServer({ maxHeaderSize: 16 * 1024, headersTimeout: 15_000, requestTimeout: 60_000 })
  server.maxConnections = maxConnections
  server.on('clientError', (_error, socket) => socket.destroy())
  server.on('connect', (_request, socket) => socket.destroy())
  server.on('request', (incoming, response) => {
    const { url = '' } = incoming
    if (!url.startsWith(`${root}/`)) return void response.writeHead(404).end()
    relay.answer(url.slice(root.length), base, incoming, response).catch(() => response.destroy())
  })
  server.listen(0, address)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const base = `http://${address}:${port}${root}`
  return {
    port,
    base,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
