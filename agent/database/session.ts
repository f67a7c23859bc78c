import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import pg from 'pg'
import type { Cell } from '../storage/records.ts'

export interface SessionRequest {
  user: string
  database: string
  /**
   * Settings given with the connection itself: they come before those that a database's owner can attach to it
   * (ALTER DATABASE … SET), and are what RESET ALL goes back to.
   */
  settings?: Readonly<Record<string, string>>
  /** Ends the session in the middle of whatever it does. */
  signal?: AbortSignal | undefined
}

/**
 * A session on a cell's PostgreSQL over its Unix socket: the server knows root of this host by the socket's peer
 * credentials, so none of our roles has a password, and none can come in over any network.
 */
export async function connect(cell: Cell, request: SessionRequest): Promise<pg.Client> {
  const { user, database, settings = {}, signal } = request
  signal?.throwIfAborted()
  // The socket's path through the open directory is short, wherever the pool is: the kernel takes 107 bytes.
  const directory = await open(cell.paths.run, constants.O_DIRECTORY | constants.O_NOFOLLOW)
  const client = new pg.Client({
    host: `/proc/self/fd/${directory.fd}`,
    user,
    database,
    application_name: 'fairway-agent',
    connectionTimeoutMillis: 10_000,
    options: optionsOf(settings),
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

/** Settings as a connection takes them, and as libpq's PGOPTIONS has them. */
export const optionsOf = (settings: Readonly<Record<string, string>>) =>
  Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replace(/[\\\s]/g, '\\$&')}`)
    .join(' ')

/**
 * Runs `use` with a session and closes it.
 *
 * @throws what `use` throws; `signal.reason` when aborted.
 */
export async function withSession<T>(
  cell: Cell,
  request: SessionRequest,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const { signal } = request
  const client = await connect(cell, request)
  const cut = () => client.connection.stream.destroy()
  signal?.addEventListener('abort', cut, { once: true })
  try {
    return await use(client)
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', cut)
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
