import pg from 'pg'
import type { Cell } from '../storage/records.ts'
import { TaskError } from '../tasks/task.ts'
import { READER } from './names.ts'
import { connectOwn, hostile, ownSettings } from './own-session.ts'

/**
 * A tenant's database, asked by us. Strangers' code has written it: any name in it can be a trap, and any answer as large
 * as it likes.
 *
 * - We are `fairway_reader`: it reads, owns nothing and is a member of nothing else, so that whatever runs in its name
 *   (an index's function runs while a statement is planned) can do no more than that.
 * - Every statement is one SELECT in a read-only transaction of its own, with time, rows and bytes bounded. Before and
 *   after its planning all settings are what they were at the start, whatever ran meanwhile.
 * - Names without a schema are PostgreSQL's own or nothing. A tenant's table is named by `findOdooTable`, which looks
 *   whether it is one and whether Odoo, too, finds that one under this name. On PostgreSQL from 17 on (and the releases
 *   of 2024-08-08 before) the server itself refuses to read views and foreign tables for us.
 */
export interface HostileDatabase {
  /**
   * Asks one question: a single SELECT, without a semicolon.
   *
   * @throws pg's DatabaseError (57014 when it took longer than `statementMs`); TaskError `database-hostile` when there
   *   are more rows or bytes than allowed.
   */
  query<R extends object>(
    text: string,
    values?: readonly unknown[],
    bounds?: Partial<AnswerBounds>,
  ): Promise<{ rows: R[] }>
}

export interface AnswerBounds {
  statementMs: number
  rows: number
}

export interface GateOptions {
  signal?: AbortSignal
  /** For statements that name no bounds of their own. Default: 30 s and 200,000 rows. */
  bounds?: Partial<AnswerBounds>
}

const defaults: AnswerBounds = { statementMs: 30_000, rows: 200_000 }
const maxAnswerBytes = 64 * 1024 ** 2

/**
 * Runs `use` with a gate to a running cell's database.
 *
 * @throws what `use` throws; TaskError `database-hostile` that names what is in the way, `database-slow` when a statement
 *   took too long and `use` did not care, `postgres-unsupported` before PostgreSQL 14; `signal.reason` when aborted.
 */
export async function withHostileDatabase<T>(
  cell: Cell,
  use: (database: HostileDatabase) => Promise<T>,
  { signal, bounds }: GateOptions = {},
): Promise<T> {
  const settings = settingsOf(cell, { ...defaults, ...bounds })
  const client = await connectOwn(cell, READER, settings, signal)
  const cut = () => client.connection.stream.destroy()
  signal?.addEventListener('abort', cut, { once: true })
  try {
    const database = createGate(client, { ...defaults, ...bounds })
    await requireReader(database)
    return await use(database)
  } catch (error) {
    signal?.throwIfAborted()
    throw explain(cell, error)
  } finally {
    signal?.removeEventListener('abort', cut)
    await client.end()
  }
}

function createGate(client: pg.Client, fallback: AnswerBounds): HostileDatabase {
  let receivedBytes = 0
  let tooLarge = false
  client.connection.stream.on('data', (chunk: Buffer) => {
    receivedBytes += chunk.length
    if (receivedBytes <= maxAnswerBytes) return
    tooLarge = true
    client.connection.stream.destroy()
  })

  async function ask<R extends object>(text: string, values: readonly unknown[], bounds: AnswerBounds) {
    const limit = `SET LOCAL statement_timeout = ${Math.max(1, Math.floor(bounds.statementMs))}`
    await client.query(`RESET ALL; BEGIN READ ONLY; ${limit}`)
    await client.query(`DECLARE answer NO SCROLL CURSOR FOR ${text}`, [...values])
    const results = (await client.query(
      `RESET ALL; ${limit}; FETCH ${bounds.rows + 1} FROM answer; COMMIT`,
    )) as unknown as pg.QueryResult<R>[]
    return results[2]?.rows ?? []
  }

  return {
    async query<R extends object>(
      text: string,
      values: readonly unknown[] = [],
      bounds: Partial<AnswerBounds> = {},
    ) {
      const within = { ...fallback, ...bounds }
      receivedBytes = 0
      try {
        const rows = await ask<R>(text, values, within)
        if (rows.length > within.rows) throw hostile(`answers with more than ${within.rows} rows`)
        return { rows }
      } catch (error) {
        if (tooLarge) throw hostile(`answers with more than ${maxAnswerBytes / 1024 ** 2} MiB`)
        // Over a lost connection there is nothing to take back, and the first error says more.
        await client.query('ROLLBACK').catch(() => undefined)
        throw error
      }
    },
  }
}

function settingsOf(cell: Cell, { statementMs }: AnswerBounds): Record<string, string> {
  return {
    ...ownSettings(cell),
    default_transaction_read_only: 'on',
    statement_timeout: `${statementMs}`,
    lock_timeout: `${Math.min(statementMs, 10_000)}`,
    cursor_tuple_fraction: '1',
    ...(cell.postgresMajor >= 17 && {
      restrict_nonsystem_relation_kind: 'view,foreign-table',
      transaction_timeout: '15min',
    }),
  }
}

async function requireReader(database: HostileDatabase): Promise<void> {
  const { rows } = await database.query<{ session: string; now: string }>(
    'SELECT session_user AS session, current_user AS now',
  )
  const [who] = rows
  if (who?.session !== READER || who.now !== READER) throw hostile(`made us ${who?.now} instead of ${READER}`)
}

/** A name as SQL has it. */
export const quoteIdentifier = (name: string) => pg.escapeIdentifier(name)

/** Whether it is PostgreSQL that has something against a statement. */
export const isRefusal = (error: unknown): error is pg.DatabaseError => error instanceof pg.DatabaseError

export const isTimeout = (error: unknown) => (error as { code?: string }).code === '57014'

function explain(cell: Cell, error: unknown): unknown {
  if (!isTimeout(error)) return error
  return new TaskError(
    'database-slow',
    `a question to the database of cell ${cell.id} took longer than it may: see what keeps it busy (pg_stat_activity), then run this again`,
    { cause: error },
  )
}
