import { setTimeout as delay } from 'node:timers/promises'
import { DATABASE, ROLE, withSuperuser } from '../containers/postgres-client.ts'
import type { Cell, Stage } from '../storage/records.ts'
import { listInstalledModules, listUnfinishedModules } from './installed-modules.ts'
import { CheckFailed } from './smoke-checks.ts'

/** How long to wait for the cron thread to be there; elsewhere, for what looks like it to be gone. */
const cronMs = { production: 10_000, elsewhere: 5_000 }

/** No module waits half-way between two states. */
export function checkModules(cell: Cell, signal: AbortSignal): Promise<string> {
  return withSuperuser(
    cell,
    async (database) => {
      const unfinished = await listUnfinishedModules(database)
      if (unfinished.length > 0) throw new CheckFailed(`half-way: ${unfinished.slice(0, 10).join(', ')}`)
      return `${(await listInstalledModules(database)).length} modules are installed`
    },
    { database: DATABASE, signal },
  )
}

/**
 * Scheduled jobs run in production and nowhere else. Odoo's cron thread is what stays connected to the database
 * `postgres`; all else of it goes there for a moment only, to list the databases.
 */
export function checkCron(cell: Cell, stage: Stage, signal: AbortSignal): Promise<string> {
  const wanted = stage === 'production'
  return withSuperuser(
    cell,
    async (database) => {
      const deadline = performance.now() + (wanted ? cronMs.production : cronMs.elsewhere)
      for (;;) {
        const { rowCount } = await database.query(
          `select from pg_stat_activity where datname = 'postgres' and usename = $1
             and backend_type = 'client backend' and backend_start < clock_timestamp() - interval '1 second'`,
          [ROLE],
        )
        const listens = (rowCount ?? 0) > 0
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
