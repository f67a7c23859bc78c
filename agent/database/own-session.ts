import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Cell } from '../storage/records.ts'
import { TaskError } from '../tasks/task.ts'
import { admitOwnRoles } from './administration.ts'
import { DATABASE, READER, type WRITER } from './names.ts'
import { connect, type SessionRequest } from './session.ts'

const admitWithinMs = 10_000
const pollMs = 15

/** What a session of ours in a tenant's database starts with, and RESET ALL goes back to, whatever its owner has set. */
export function ownSettings({ postgresMajor }: Cell): Record<string, string> {
  return {
    search_path: 'pg_catalog,pg_temp',
    role: 'none',
    row_security: 'off',
    local_preload_libraries: '',
    default_transaction_isolation: 'read committed',
    default_transaction_deferrable: 'off',
    idle_in_transaction_session_timeout: '60s',
    standard_conforming_strings: 'on',
    transform_null_equals: 'off',
    DateStyle: 'ISO,YMD',
    TimeZone: 'UTC',
    bytea_output: 'hex',
    extra_float_digits: '1',
    // One core, and no more memory than a small sort needs.
    jit: 'off',
    max_parallel_workers_per_gather: '0',
    work_mem: '16MB',
    ...(postgresMajor >= 14 && { client_connection_check_interval: '1s' }),
    ...(postgresMajor >= 17 && { restrict_nonsystem_relation_kind: 'view,foreign-table' }),
  }
}

/**
 * A session of one of the agent's own roles in a tenant's database. The cell may be of a time before these roles, or its
 * database's owner may have shut them out: then they are let in again.
 *
 * @throws TaskError `postgres-unsupported` for the reader before PostgreSQL 14, `database-hostile` when we can't get in.
 */
export async function connectOwn(
  cell: Cell,
  user: typeof READER | typeof WRITER,
  settings: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<pg.Client> {
  if (cell.postgresMajor < 14 && user === READER)
    throw new TaskError(
      'postgres-unsupported',
      `cell ${cell.id} runs PostgreSQL ${cell.postgresMajor}, whose database can't be asked safely: move it to 14 or newer`,
    )
  const request = { user, database: DATABASE, settings, signal }
  const first = await tryConnect(cell, request)
  if (first instanceof pg.Client) return first
  await admitOwnRoles(cell, signal)
  const deadline = performance.now() + admitWithinMs
  for (;;) {
    const next = await tryConnect(cell, request)
    if (next instanceof pg.Client) return next
    if (performance.now() > deadline) throw hostile(`does not let ${user} in: ${next.message}`)
    // The server reads its rules anew when it gets to it.
    await delay(pollMs, undefined, { signal })
  }
}

async function tryConnect(cell: Cell, request: SessionRequest): Promise<pg.Client | Error> {
  try {
    return await connect(cell, request)
  } catch (error) {
    // Invalid authorization: no rule or no such role; insufficient privilege: no CONNECT.
    if (['28000', '42501'].includes((error as { code?: string }).code ?? '')) return error as Error
    throw error
  }
}

/** The error for a database that would answer about something else than it was asked. */
export function hostile(what: string): TaskError {
  return new TaskError('database-hostile', `the cell's database ${what}`)
}

/** A tenant's name in a message of ours. */
export const shown = (name: string) => JSON.stringify(name.slice(0, 100))
