import { setTimeout as delay } from 'node:timers/promises'
import { withHostileDatabase } from '../database/hostile-database.ts'
import { ROLE } from '../database/names.ts'
import type { Cell, Stage } from '../storage/records.ts'
import { CheckFailed } from './check-failed.ts'
import { readModuleStates } from './installed-modules.ts'

/** How long to wait for the cron thread to be there; elsewhere, for what looks like it to be gone. */
const cronMs = { production: 10_000, elsewhere: 5_000 }

/** No module waits half-way between two states. */
export function checkModules(cell: Cell, signal: AbortSignal): Promise<string> {
  return withHostileDatabase(
    cell,
    async (database) => {
      const { installed, unfinished } = await readModuleStates(database)
      if (unfinished.length > 0) throw new CheckFailed(`half-way: ${unfinished.slice(0, 10).join(', ')}`)
      return `${installed.length} modules are installed`
    },
    { signal },
  )
}

/**
 * Scheduled jobs run in production and nowhere else. Odoo's cron thread is what stays connected to the database
 * `postgres`; all else of it goes there for a moment only, to list the databases. It commits once, that it listens
 * (`cron_thread`, `WorkerCron.start` of service/server.py), and whoever lists databases never does (`list_dbs` of
 * service/db.py): who has committed is known at once, and visitors wait for nothing.
 */
export function checkCron(cell: Cell, stage: Stage, signal: AbortSignal): Promise<string> {
  const wanted = stage === 'production'
  return withHostileDatabase(
    cell,
    async (database) => {
      const deadline = performance.now() + (wanted ? cronMs.production : cronMs.elsewhere)
      for (;;) {
        const { rows } = await database.query(
          `SELECT FROM pg_stat_activity WHERE datname = 'postgres' AND usename = $1
              AND backend_type = 'client backend'
              AND ((state = 'idle' AND query = 'COMMIT') OR backend_start < clock_timestamp() - interval '1 second')`,
          [ROLE],
        )
        const listens = rows.length > 0
        if (listens === wanted)
          return wanted ? 'Odoo waits for scheduled jobs' : 'none run, as this is no production'
        if (performance.now() >= deadline)
          throw new CheckFailed(
            wanted ? 'nothing waits for scheduled jobs' : 'scheduled jobs run outside of production',
          )
        await delay(200, undefined, { signal })
      }
    },
    { signal },
  )
}
