import type pg from 'pg'
import type { Cell } from '../storage/records.ts'
import { WRITER } from './names.ts'
import { connectOwn, hostile, ownSettings, shown } from './own-session.ts'

/** Runs one statement; values stand for $1, … */
export type Change = <R extends object>(text: string, values?: readonly unknown[]) => Promise<R[]>

/**
 * Changes a tenant's database: the one writer, beside the gate for questions (`hostile-database.ts`). We are
 * `fairway_writer`, who may do what Odoo's own role may and nothing more, so that nothing gains by what runs in its name.
 * Triggers do not fire in its sessions (session_replication_role, which the role bears and cannot change itself), not even
 * those that keep foreign keys: whoever deletes rows knows that nothing refers to them. A table whose triggers were told to
 * fire all the same is refused. Rules, views and row-level security are refused by `OdooTables.find`, which its caller asks.
 *
 * One transaction, on disk when it resolves.
 *
 * @throws what `use` throws; TaskError `database-hostile`; `signal.reason` when aborted.
 */
export async function changeHostileDatabase<T>(
  cell: Cell,
  tables: readonly string[],
  use: (change: Change) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const client = await connectOwn(cell, WRITER, settingsOf(cell), signal)
  const cut = () => client.connection.stream.destroy()
  signal.addEventListener('abort', cut, { once: true })
  try {
    await client.query('BEGIN')
    await requireHonestSession(client)
    await requireSilentTriggers(client, tables)
    const result = await use(async (text, values = []) => {
      // A function that an earlier statement ran may have changed what names mean.
      await client.query('RESET ALL')
      return (await client.query(text, [...values])).rows
    })
    await client.query('RESET ALL')
    await client.query('COMMIT')
    return result
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', cut)
    await client.end()
  }
}

function settingsOf(cell: Cell): Record<string, string> {
  return {
    ...ownSettings(cell),
    // Whoever removes a mark because of this relies on it, whatever the cell's own setting.
    synchronous_commit: 'on',
    statement_timeout: '600s',
    lock_timeout: '30s',
  }
}

async function requireHonestSession(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ session: string; now: string; triggers: string }>(
    `SELECT session_user AS session, current_user AS now,
        current_setting('session_replication_role') AS triggers`,
  )
  const [session] = rows
  if (session?.session !== WRITER || session.now !== WRITER || session?.triggers !== 'replica')
    throw hostile(`does not let ${WRITER} work as it has to`)
}

async function requireSilentTriggers(client: pg.Client, tables: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ table: string; name: string }>(
    `SELECT c.relname AS table, t.tgname AS name
       FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
      WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY ($1::text[])
        AND t.tgenabled IN ('A', 'R') LIMIT 1`,
    [tables],
  )
  const [first] = rows
  if (first)
    throw hostile(
      `has the trigger ${shown(first.name)} on ${shown(first.table)}, which fires even where none should: drop it, or ENABLE TRIGGER without ALWAYS`,
    )
}
