import { type AddressInfo, createServer, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import type { Dialed } from './dial.ts'

/** Where one connection, on loopback, gets the socket that was dialed. */
export interface Tunnel extends AsyncDisposable {
  readonly port: number
}

/**
 * For programs that can neither be handed a socket nor speak to a proxy: the first who connects is joined with the
 * dialed socket, and nobody after them. Both ends are closed with the tunnel.
 */
export async function openTunnel({ socket }: Dialed): Promise<Tunnel> {
  socket.on('error', () => undefined)
  let from: Socket | undefined
  const server = createServer((arrived) => {
    from = arrived.on('error', () => undefined)
    server.close()
    // A failure of either ends both.
    Promise.all([pipeline(arrived, socket), pipeline(socket, arrived)]).catch(() => undefined)
  })
  server.maxConnections = 1
  await new Promise<void>((done, fail) => {
    server.once('error', fail)
    server.listen(0, '127.0.0.1', done)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      socket.destroy()
      from?.destroy()
      server.close()
    },
  }
}
