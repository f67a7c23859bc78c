import { request } from 'node:http'

/** Asks Odoo at that host name for a websocket, through what listens on the port; what the upgrade is answered with. */
export function askForWebsocket(port: number, host: string): Promise<{ status: number }> {
  return new Promise((resolve, reject) => {
    const sent = request({
      port,
      path: '/websocket?version=19.0-1',
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
      socket.destroy()
      resolve({ status: response.statusCode ?? 0 })
    })
    sent.on('response', (response) => {
      response.resume()
      resolve({ status: response.statusCode ?? 0 })
    })
    sent.on('error', reject)
    sent.end()
  })
}
