import { type HostileDatabase, withHostileDatabase } from '../database/hostile-database.ts'
import { pause } from '../link/pause.ts'
import type { Cell } from '../storage/records.ts'
import { blockingModes, createLockTally, type TableLock } from './lock-tally.ts'

/**
 * Between two looks. Each takes a few milliseconds; a slow one makes the next come later, so that it stays 2 %, but never
 * so late that what a busy machine does is missed.
 */
const everyMs = 100
const share = 50
const latestMs = 500
const retryMs = 1_000

export interface LockWatch {
  /** The last look, and what was seen; `awayMs` is how long nobody could look. */
  stop(): Promise<{ locks: TableLock[]; awayMs: number }>
}

/**
 * Looks at the locks that others hold on `tables` until it is stopped, over a connection of its own. A connection that
 * is lost is made again.
 */
export function watchLocks(cell: Cell, tables: ReadonlySet<string>, signal: AbortSignal): LockWatch {
  const stopping = new AbortController()
  const done = AbortSignal.any([signal, stopping.signal])
  const tally = createLockTally(Date.now())
  let lookedAt = performance.now()
  let lost = false
  let awayMs = 0

  async function look(database: HostileDatabase): Promise<void> {
    const { rows } = await database.query<Look>(query, [blockingModes])
    if (lost) {
      awayMs += performance.now() - lookedAt
      tally.skipTo(Date.now())
    }
    lost = false
    lookedAt = performance.now()
    const seen = rows.flatMap(({ table, mode, xact_start }) =>
      table !== null && tables.has(table) ? [{ table, mode, xactStartMs: xact_start }] : [],
    )
    if (rows[0]) tally.look(rows[0].now, seen)
  }

  async function watch(): Promise<void> {
    while (!done.aborted) {
      try {
        await lookUntil(done, look, cell)
      } catch {
        // PostgreSQL went away, or a look took too long: the time until the next one is told as missed.
        lost = true
        await pause(retryMs, done)
      }
    }
    if (lost) awayMs += performance.now() - lookedAt
  }

  const watching = watch()
  return {
    async stop() {
      stopping.abort()
      await watching
      return { locks: tally.list(), awayMs: Math.round(awayMs) }
    },
  }
}

async function lookUntil(
  done: AbortSignal,
  look: (database: HostileDatabase) => Promise<void>,
  cell: Cell,
): Promise<void> {
  await withHostileDatabase(
    cell,
    async (database) => {
      while (!done.aborted) {
        const begun = performance.now()
        await look(database)
        const tookMs = performance.now() - begun
        await pause(Math.min(latestMs, Math.max(everyMs, tookMs * share)), done)
      }
      await look(database)
    },
    { bounds: { statementMs: 2_000 } },
  )
}

interface Look {
  now: number
  table: string | null
  mode: string
  xact_start: number
}

// One row at least, for the time of the look.
const query = `select extract(epoch from clock_timestamp())::float8 * 1000 as now, held.*
   from (values (1)) one
   left join (
     select distinct c.relname as table, l.mode,
         extract(epoch from a.xact_start)::float8 * 1000 as xact_start
       from pg_locks l
       join pg_stat_activity a on a.pid = l.pid and a.backend_type = 'client backend'
       join pg_class c on c.oid = l.relation and c.relkind in ('r', 'p')
       join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
      where l.locktype = 'relation' and l.granted and l.mode = any ($1)
        and l.database = (select oid from pg_database where datname = current_database())
   ) held on true`
