import { Agent, request } from 'node:http'
import { waitFor } from './wait-for.ts'

/** One kind of request of a load; each in turn. */
export interface Shot {
  readonly name: string
  readonly method?: 'GET' | 'POST'
  readonly path: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** On a connection that is kept, as browsers do; else on one of its own. */
  readonly keepAlive?: boolean
  /** Whether the answer is whole and the right one. */
  readonly accept: (body: string) => boolean
}

export interface LoadResult {
  readonly sent: number
  /** What happened instead of the right answer, one text for each lost request. */
  readonly lost: string[]
  /** Answers by the `server` header's value. */
  readonly servers: ReadonlyMap<string, number>
}

export interface Load {
  /** Resolves once that many more requests have been answered; rejects when they were not within 30 s. */
  answered(more: number): Promise<void>
  /** Stops sending, and waits for every answer. */
  stop(): Promise<LoadResult>
}

/** Sends requests at a steady rate, whatever becomes of those before. */
export function startLoad(
  target: { port: number; host: string; perSecond: number },
  shots: readonly Shot[],
): Load {
  const kept = new Agent({ keepAlive: true, maxSockets: 64 })
  const lost: string[] = []
  const servers = new Map<string, number>()
  const open = new Set<Promise<void>>()
  let sent = 0
  let done = 0

  const fire = () => {
    const shot = shots[sent % shots.length] as Shot
    sent++
    const answer = send(target, shot, kept)
      .then(({ status, server, body }) => {
        servers.set(server, (servers.get(server) ?? 0) + 1)
        if (status !== 200) lost.push(`${shot.name}: ${status} ${body.slice(0, 80)}`)
        else if (!shot.accept(body)) lost.push(`${shot.name}: a wrong answer of ${body.length} bytes`)
      })
      .catch((error: NodeJS.ErrnoException) => void lost.push(`${shot.name}: ${error.code ?? error.message}`))
      .finally(() => {
        done++
        open.delete(answer)
      })
    open.add(answer)
  }
  const timer = setInterval(fire, 1000 / target.perSecond)

  return {
    async answered(more) {
      const goal = done + more
      await waitFor(`${more} more answers`, async () => done >= goal, 30_000)
    },
    async stop() {
      clearInterval(timer)
      await Promise.all(open)
      kept.destroy()
      return { sent, lost, servers }
    },
  }
}

function send(target: { port: number; host: string }, shot: Shot, kept: Agent) {
  return new Promise<{ status: number; server: string; body: string }>((resolve, reject) => {
    const sent = request(
      {
        port: target.port,
        path: shot.path,
        method: shot.method ?? 'GET',
        headers: {
          ...shot.headers,
          host: target.host,
          ...(shot.body !== undefined && { 'content-length': Buffer.byteLength(shot.body) }),
        },
        agent: shot.keepAlive ? kept : false,
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            server: String(response.headers.server),
            body: Buffer.concat(chunks).toString(),
          }),
        )
      },
    )
    sent.on('error', reject)
    sent.end(shot.body)
  })
}
