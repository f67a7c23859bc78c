import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import pg from 'pg'
import type { Cell } from '../storage/records.ts'

/** PostgreSQL's database and role of a cell. Odoo connects to `db:5432` on the cell's network. */
export const DATABASE = 'odoo'
export const ROLE = 'odoo'

export interface SuperuserOptions {
  /** Default: `postgres`. */
  database?: string
  /** Ends the session in the middle of whatever it does. */
  signal?: AbortSignal
}

/**
 * A superuser's session on a cell's PostgreSQL, over its Unix socket: the server knows root of this host by the socket's
 * peer credentials, so the superuser needs no password and cannot come in over any network.
 */
export async function connectSuperuser(cell: Cell, options: SuperuserOptions = {}): Promise<pg.Client> {
  options.signal?.throwIfAborted()
  // The socket's path through the open directory is short, wherever the pool is: the kernel takes 107 bytes.
  const directory = await open(cell.paths.run, constants.O_DIRECTORY)
  const client = new pg.Client({
    host: `/proc/self/fd/${directory.fd}`,
    user: 'postgres',
    database: options.database ?? 'postgres',
    application_name: 'fairway-agent',
    connectionTimeoutMillis: 10_000,
  })
  // A lost connection fails the running query as well; without a listener it would end the process.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } finally {
    await directory.close()
  }
}

/**
 * Runs `use` with a superuser's session on a running cell and closes it.
 *
 * @throws what `use` throws; `signal.reason` when aborted.
 */
export async function withSuperuser<T>(
  cell: Cell,
  use: (client: pg.Client) => Promise<T>,
  options: SuperuserOptions = {},
): Promise<T> {
  const client = await connectSuperuser(cell, options)
  const cut = () => client.connection.stream.destroy()
  options.signal?.addEventListener('abort', cut, { once: true })
  try {
    return await use(client)
  } catch (error) {
    options.signal?.throwIfAborted()
    throw error
  } finally {
    options.signal?.removeEventListener('abort', cut)
    await client.end()
  }
}

/** Errors of a server that is not there yet, or not yet ready to answer. */
export function isNotReady(error: unknown): boolean {
  const { code } = error as { code?: string }
  // 57P03 cannot_connect_now: starting up or recovering.
  if (['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', '57P03'].includes(code ?? '')) return true
  return /Connection terminated/.test((error as Error).message)
}
