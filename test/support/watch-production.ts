import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

export interface Answer {
  /** Milliseconds, as performance.now(). */
  readonly at: number
  /** Of HTTP, or why there was no answer at all. */
  readonly status: number | string
}

export interface Watch {
  readonly answers: readonly Answer[]
  stop(): Promise<void>
}

const everyMs = 100
/** Odoo may be busy starting; a visitor has some patience. */
const patienceMs = 30_000

/** A visitor who asks for the login page again and again, each time on a connection of their own. */
export function watchProduction(url: string): Watch {
  const answers: Answer[] = []
  const stopped = new AbortController()
  const looking = (async () => {
    while (!stopped.signal.aborted) {
      const status = await visit(url).catch((error: NodeJS.ErrnoException) => error.code ?? error.message)
      answers.push({ at: performance.now(), status })
      await pause(everyMs, undefined, { signal: stopped.signal }).catch(() => undefined)
    }
  })()
  return {
    answers,
    async stop() {
      stopped.abort()
      await looking
    },
  }
}

/** How long after that moment somebody was last sent away. */
export function awayAfter(answers: readonly Answer[], moment: number): number {
  const last = answers.findLast(({ status }) => status !== 200)
  return Math.max(0, (last?.at ?? 0) - moment)
}

async function visit(url: string): Promise<number> {
  const { host, port } = new URL(url)
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const signal = AbortSignal.timeout(patienceMs)
  const options = { host: '127.0.0.1', port: port || 80, path: '/web/login', headers: { host } }
  request({ ...options, agent: false, signal }, (response) => {
    response.on('error', reject)
    response.on('end', () => resolve(response.statusCode ?? 0))
    response.resume()
  })
    .on('error', reject)
    .end()
  return promise
}
