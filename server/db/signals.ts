import { EventEmitter } from 'node:events'
import { sql } from 'kysely'
import pg from 'pg'
import type { Tx } from './tenancy.ts'

/**
 * Hints that something changed: `run` to advance, `task` queued for a host, `cancel` wished on a host, `log` lines in
 * a stream, a new `checkpoint` of an organization's audit tree, a `host` that was shut out,
 * a `look` for a host (its id) or the answer to one (the look's). A hint may be lost or doubled; whoever waits for one
 * polls as well.
 */
export type SignalKind = 'run' | 'task' | 'cancel' | 'log' | 'checkpoint' | 'host' | 'look'
export interface Signal {
  readonly kind: SignalKind
  readonly id: string
}

const channel = 'fairway'

/** Sent when the transaction commits; the same hint twice in a transaction is sent once (PostgreSQL folds them). */
export async function notify(tx: Tx, signal: Signal): Promise<void> {
  await sql`select pg_notify(${channel}, ${`${signal.kind}:${signal.id}`})`.execute(tx)
}

export interface Signals {
  /** Returns how to stop listening. */
  on(kind: SignalKind, listener: (id: string) => void): () => void
  close(): Promise<void>
}

/** One LISTEN connection for the process, kept up for ever with a pause of a second between tries. */
export function listenForSignals(url: string, onError: (error: Error) => void): Signals {
  const emitter = new EventEmitter().setMaxListeners(0)
  let client: pg.Client | undefined
  let closed = false
  let retry: NodeJS.Timeout | undefined
  let attempt = Promise.resolve()

  const connect = async () => {
    const next = new pg.Client({ connectionString: url, application_name: 'fairway-listen', keepAlive: true })
    next.on('error', onError)
    next.on('end', () => {
      if (client === next) client = undefined
      again()
    })
    next.on('notification', ({ payload = '' }) => {
      const colon = payload.indexOf(':')
      emitter.emit(payload.slice(0, colon), payload.slice(colon + 1))
    })
    await next.connect()
    client = next
    await next.query(`listen ${channel}`)
  }
  const again = () => {
    if (closed || retry) return
    retry = setTimeout(() => {
      retry = undefined
      start()
    }, 1_000)
    retry.unref()
  }
  const start = () => {
    attempt = connect().catch((error: Error) => {
      onError(error)
      again()
    })
  }
  start()

  return {
    on(kind, listener) {
      emitter.on(kind, listener)
      return () => emitter.off(kind, listener)
    },
    async close() {
      closed = true
      clearTimeout(retry)
      // One that is on its way would stay.
      await attempt
      await client?.end()
    },
  }
}
