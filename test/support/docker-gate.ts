import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Docker's socket as one agent has it: it can be away from there, and from nobody else. */
export interface DockerGate extends AsyncDisposable {
  /** For the agent's environment, `unix:///…`. */
  readonly address: string
  /** Nobody answers there any more, and what is under way is cut. */
  shut(): Promise<void>
  open(): Promise<void>
}

export async function startDockerGate(docker = '/var/run/docker.sock'): Promise<DockerGate> {
  const directory = await mkdtemp(join(tmpdir(), 'fairway-docker-'))
  const path = join(directory, 'docker.sock')
  const sockets = new Set<Socket>()
  let server: Server | undefined

  async function shut(): Promise<void> {
    if (!server) return
    const closed = once(server, 'close')
    server.close()
    server = undefined
    for (const socket of sockets) socket.destroy()
    await closed
  }
  async function open(): Promise<void> {
    if (server) return
    // Docker goes on talking to who has said all that it wanted to say.
    server = createServer({ allowHalfOpen: true }, (near) => {
      const far = connect({ path: docker, allowHalfOpen: true })
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(socket)
        socket.pipe(other)
        // Who is cut off hears of it by the end of the connection.
        socket.on('error', () => other.destroy())
        socket.on('close', () => {
          sockets.delete(socket)
          other.destroy()
        })
      }
    })
    server.listen(path)
    await once(server, 'listening')
  }
  await open()
  return {
    address: `unix://${path}`,
    shut,
    open,
    async [Symbol.asyncDispose]() {
      await shut()
      await rm(directory, { recursive: true })
    },
  }
}
