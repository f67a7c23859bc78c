import { createHash } from 'node:crypto'
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import type pg from 'pg'

/** Of one text, before PostgreSQL is to keep what it made of it. */
const usesBefore = 5
/** On a connection: each plan takes memory of it. */
const mostStatements = 150
const mostTexts = 2_000

/**
 * PostgreSQL plans a statement anew each time, and with row-level security that takes longer than most of ours run:
 * claiming the tasks of a host took 14 ms to plan and 3 ms to do. Statements that come again and again are prepared under a
 * name, once for each connection, and PostgreSQL sees by itself whether one plan serves all their values. What a
 * transaction may see is looked up when a statement runs, never when it is planned (test/rls/pool-reuse.test.ts).
 */
export function preparing(pool: pg.Pool): PostgresPool {
  const names = createNames()
  const clients = new WeakMap<pg.PoolClient, PostgresPoolClient>()
  return {
    async connect() {
      const client = await pool.connect()
      const known = clients.get(client)
      if (known) return known
      const own = prepare(client, names)
      clients.set(client, own)
      return own
    },
    end: () => pool.end(),
  }
}

function prepare(client: pg.PoolClient, names: Names): PostgresPoolClient {
  async function query<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    const name = values.length > 0 ? names.nameOf(text) : undefined
    try {
      return (await client.query({ text, values: [...values], ...(name && { name }) })) as never
    } catch (error) {
      if (isStale(error)) names.forget(text)
      throw error
    }
  }
  return { query: query as PostgresPoolClient['query'], release: () => client.release() }
}

interface Names {
  /** Undefined: it is not worth it, or cannot be done. */
  nameOf(text: string): string | undefined
  /** It is planned anew each time from now on. */
  forget(text: string): void
}

export function createNames(): Names {
  const uses = new Map<string, number>()
  const named = new Map<string, string>()
  const forgotten = new Set<string>()
  return {
    nameOf(text) {
      const known = named.get(text)
      if (known || forgotten.has(text) || named.size >= mostStatements || hasAllColumns(text)) return known
      const count = (uses.get(text) ?? 0) + 1
      if (count < usesBefore) {
        // Lists of any length make texts without end.
        if (uses.size >= mostTexts) uses.clear()
        uses.set(text, count)
        return undefined
      }
      uses.delete(text)
      const name = `fairway_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
      named.set(text, name)
      return name
    },
    forget(text) {
      named.delete(text)
      forgotten.add(text)
    },
  }
}

/** A column that a newer server adds changes what it returns, and PostgreSQL keeps no plan for that. */
const hasAllColumns = (text: string): boolean => /(\bselect|\breturning|,)\s+\*|\.\*/.test(text)

/** A newer server has changed a column that a prepared statement returns: the same one again is planned anew. */
export const isStale = (error: unknown): boolean => {
  const { code, message = '' } = error as { code?: string; message?: string }
  return code === '0A000' && message.includes('cached plan')
}
