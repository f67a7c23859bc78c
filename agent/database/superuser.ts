import type pg from 'pg'
import type { Cell } from '../storage/records.ts'
import { connect, type SessionRequest } from './session.ts'

/**
 * A superuser's session. Only `administration.ts` may have one (the boundaries check sees to it), and only in the database
 * `postgres`, in which no tenant can make anything: a superuser in a tenant's database would run the tenant's code.
 */
export function connectSuperuser(cell: Cell, signal?: AbortSignal): Promise<pg.Client> {
  return connect(cell, superuser(cell, signal))
}

export function superuser(cell: Cell, signal?: AbortSignal): SessionRequest {
  return {
    user: 'postgres',
    database: 'postgres',
    settings: {
      search_path: 'pg_catalog,pg_temp',
      role: 'none',
      local_preload_libraries: '',
      // A tenant can hold its own role's row.
      lock_timeout: '60s',
      ...(cell.postgresMajor >= 17 && { event_triggers: 'off' }),
    },
    signal,
  }
}
