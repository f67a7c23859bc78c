import type pg from 'pg'
import { connect, withSession } from '../../agent/database/session.ts'
import type { Cell } from '../../agent/storage/records.ts'

export interface SuperuserOptions {
  /** Default: `postgres`. */
  database?: string
  signal?: AbortSignal
}

const request = ({ database = 'postgres', signal }: SuperuserOptions) => ({
  user: 'postgres',
  database,
  signal,
})

/** A superuser's session in any database of a cell, which the agent itself never has: tests make and look at things. */
export const connectSuperuser = (cell: Cell, options: SuperuserOptions = {}): Promise<pg.Client> =>
  connect(cell, request(options))

export const withSuperuser = <T>(
  cell: Cell,
  use: (client: pg.Client) => Promise<T>,
  options: SuperuserOptions = {},
): Promise<T> => withSession(cell, request(options), use)
