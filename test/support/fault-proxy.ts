import { connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy between an agent and a server whose network can be broken at will. */
export interface FaultProxy extends AsyncDisposable {
  readonly port: number
  /** Connections it ever took. */
  readonly accepted: number
  /** Bytes vanish in both directions, connections stay open, new ones open and hear nothing. Like a cut cable. */
  blackhole(): void
  /** Bytes from the server vanish; what the agent says still arrives. */
  deafen(): void
  /** Connections that were ever cut are reset (their streams have holes), new ones pass. */
  heal(): void
  /** Every connection is reset. */
  reset(): void
}

export async function startFaultProxy(target: { host: string; port: number }): Promise<FaultProxy> {
  const pairs = new Set<{ near: Socket; far: Socket; holed: boolean }>()
  let mode: 'pass' | 'blackhole' | 'deaf' = 'pass'
  let accepted = 0
  const server: Server = createServer((near) => {
    accepted++
    const far = connect(target.port, target.host)
    const pair = { near, far, holed: false }
    pairs.add(pair)
    const forward = (from: Socket, to: Socket, lost: () => boolean) =>
      from.on('data', (bytes: Buffer) => {
        if (lost()) pair.holed = true
        else to.write(bytes)
      })
    forward(near, far, () => mode === 'blackhole')
    forward(far, near, () => mode !== 'pass')
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      // A reset is what these tests are about.
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        if (socket === near) pairs.delete(pair)
        // The end of a connection is lost like everything else, until the network heals.
        if (mode === 'pass' || socket === near) other.destroy()
        else pair.holed = true
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    for (const { near, far } of pairs) {
      near.resetAndDestroy()
      far.resetAndDestroy()
    }
  }
  return {
    port: (server.address() as { port: number }).port,
    get accepted() {
      return accepted
    },
    blackhole: () => {
      mode = 'blackhole'
    },
    deafen: () => {
      mode = 'deaf'
    },
    heal: () => {
      mode = 'pass'
      for (const { near, far, holed } of pairs) {
        if (!holed) continue
        near.resetAndDestroy()
        far.resetAndDestroy()
      }
    },
    reset: cut,
    async [Symbol.asyncDispose]() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
