import { withHostileDatabase } from '../database/hostile-database.ts'
import { lookUpOdooTables } from '../database/odoo-tables.ts'
import type { Cell } from '../storage/records.ts'
import { vacuum } from './ideas/jobs.ts'

/**
 * Scheduled jobs that are on in a copy, without the vacuum: `sale.send_invoice_cron`, or by number where no module brought
 * it. All of them are stopped, whoever knows them or not; people are to know which.
 */
export function listActiveJobs(cell: Cell, signal: AbortSignal): Promise<string[]> {
  return withHostileDatabase(
    cell,
    async (database) => {
      const tables = await lookUpOdooTables(database, ['ir_cron', 'ir_model_data'])
      const jobs = tables.find('ir_cron', 'id', 'active')
      const data = tables.find('ir_model_data', 'module', 'name', 'model', 'res_id')
      if (!jobs || !data) return []
      const { rows } = await database.query<{ job: string }>(
        `select left(coalesce((select min(module || '.' || name) from ${data} data
                               where data.model = 'ir.cron' and data.res_id = job.id), 'job ' || job.id), 200) as job
           from ${jobs} job where job.active and job.id is distinct from ${vacuum} order by 1 limit 1000`,
      )
      return rows.map(({ job }) => job)
    },
    { signal },
  )
}
