import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { preparing } from './prepared.ts'
import type { Schema } from './schema.ts'

// Times as Date, counts that fit as numbers: bigint columns hold bytes, milliseconds and sequences below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number)

/**
 * What the server waits for at most, in milliseconds: for another's lock, for a statement, and between two statements of
 * a transaction, during which it keeps others waiting. Migrations have none: they take what they take.
 */
export const waits = {
  lock_timeout: 10_000,
  statement_timeout: 60_000,
  idle_in_transaction_session_timeout: 60_000,
} as const

const setWaits = Object.entries(waits)
  .map(([name, ms]) => `set ${name} = ${ms}`)
  .join('; ')

/** One pool for each role. `app` is used through withTenant alone; `scheduler` reads where work is due. */
export interface Databases {
  readonly app: Kysely<Schema>
  readonly scheduler: Kysely<Schema>
  /** For the one LISTEN connection. */
  readonly listenUrl: string
  close(): Promise<void>
}

export interface DatabaseUrls {
  readonly app: string
  readonly scheduler: string
  /**
   * Straight to PostgreSQL: LISTEN needs a session. The same as `app` where that leads there as well, and not to a pooler;
   * undefined: `app`, and it may be either.
   */
  readonly listen?: string
}

export function openDatabases(urls: DatabaseUrls, onError: (error: Error) => void): Databases {
  const open = (connectionString: string, max: number) => {
    const pool = new pg.Pool({
      connectionString,
      max,
      connectionTimeoutMillis: 10_000,
      idleTimeoutMillis: 60_000,
      keepAlive: true,
      application_name: 'fairway',
    })
    // An idle connection that breaks is not an unhandled error: the pool replaces it.
    pool.on('error', onError)
    // Nor is one that breaks while it is lent out, between two statements: pg-pool listens to idle ones only.
    pool.on('connect', (client) => {
      client.on('error', onError)
      // Not as parameters of the connection, which a pooler refuses; what a pooler gives transactions to is set in those.
      client.query(setWaits).catch(onError)
    })
    // A pooler may give the next transaction to a session in which nothing was prepared.
    const isDirect = urls.listen === urls.app
    const dialect = new PostgresDialect({ pool: isDirect ? preparing(pool) : pool })
    return new Kysely<Schema>({ dialect })
  }
  const app = open(urls.app, 16)
  const scheduler = open(urls.scheduler, 4)
  return {
    app,
    scheduler,
    listenUrl: urls.listen ?? urls.app,
    async close() {
      await Promise.all([app.destroy(), scheduler.destroy()])
    },
  }
}
