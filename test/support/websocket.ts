import { type IncomingHttpHeaders, request } from 'node:http'
import type { Duplex } from 'node:stream'

/** Asks Odoo at that host name for a websocket, through what listens on the port; what the upgrade is answered with. */
export async function askForWebsocket(port: number, host: string): Promise<{ status: number }> {
  const { status, socket } = await openWebsocket(port, host)
  socket?.destroy()
  return { status }
}

interface Handshake {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Where it was agreed to. */
  readonly socket?: Duplex
}

/** The same, and the connection where there is one. */
export function openWebsocket(
  port: number,
  host: string,
  path = '/websocket?version=19.0-1',
): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const sent = request({
      port,
      path,
      headers: {
        host,
        origin: `http://${host}`,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'x3JJHMbDL1EzLkh9GBhXDw==',
      },
    })
    sent.on('upgrade', (response, socket) => {
      socket.on('error', () => undefined)
      resolve({ status: response.statusCode ?? 0, headers: response.headers, socket })
    })
    sent.on('response', (response) => {
      response.resume()
      resolve({ status: response.statusCode ?? 0, headers: response.headers })
    })
    sent.on('error', reject)
    sent.end()
  })
}
