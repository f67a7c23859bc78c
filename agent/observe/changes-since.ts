import { type HostileDatabase, isTimeout, quoteIdentifier } from '../database/hostile-database.ts'
import { lookUpOdooTables } from '../database/odoo-tables.ts'

export interface TableChanges {
  table: string
  rows: number
}

export interface ChangesSince {
  /** Most first. */
  tables: TableChanges[]
  /** Of the newest of them. */
  lastChange: Date | undefined
  /** Tables that could not be counted in time. */
  uncounted: string[]
}

const totalMs = 20_000
const statementMs = 3_000

/** Rows that nobody wrote on purpose: Odoo's own book-keeping, queues, presence and caches. */
const housekeeping = new Set([
  'auth_totp_device', // trusted browsers
  'auth_totp_rate_limit_log',
  'base_import_import',
  'bus_bus', // notifications on their way to browsers
  'bus_presence', // who is online
  'discuss_channel_member', // seen pointers, written at every look at a channel
  'discuss_channel_rtc_session', // calls under way
  'fetchmail_server', // date of the last fetch
  'ir_asset', // written with the assets
  'ir_cron', // date of the last run
  'ir_cron_progress',
  'ir_cron_trigger',
  'ir_logging',
  'ir_model_data', // follows what it names
  'ir_module_module', // list of modules, brought up to date by itself
  'ir_profile',
  'ir_sequence', // counters of what is counted itself
  'ir_sequence_date_range',
  'mail_guest',
  'mail_notification', // follows its message
  'mail_presence',
  'mail_push',
  'mail_push_device',
  'res_device_log', // devices that were seen
  'res_users_apikeys', // date of the last use
  'res_users_log', // logins
  'res_users_settings',
  'res_users_settings_volumes',
  'web_tour_tour',
])

/**
 * Counts rows that were created or changed since a moment, by Odoo's `create_date` and `write_date`, in what people
 * write. A row that was deleted leaves no trace. Each table is asked by a statement of its own, so that no lock lasts
 * for longer.
 */
export async function countChangesSince(database: HostileDatabase, since: Date): Promise<ChangesSince> {
  const deadline = performance.now() + totalMs
  const found: ChangesSince = { tables: [], lastChange: undefined, uncounted: [] }
  for (const table of await listDatedTables(database)) {
    if (housekeeping.has(table)) continue
    const leftMs = Math.floor(Math.min(statementMs, deadline - performance.now()))
    const changes = leftMs > 0 ? await countTable(database, table, since, leftMs) : undefined
    if (!changes) found.uncounted.push(table)
    else if (changes.rows > 0) found.tables.push({ table, rows: changes.rows })
    if (changes?.last && (!found.lastChange || changes.last > found.lastChange))
      found.lastChange = changes.last
  }
  found.tables.sort((a, b) => b.rows - a.rows || (a.table < b.table ? -1 : 1))
  return found
}

/**
 * Tables with both columns but those of wizards, small ones first, so that the budget reaches most of them: by the catalog,
 * since asking for a file's size waits for whoever holds the table. Only columns
 * of PostgreSQL's own type in real tables: anything else could run somebody's code with our rights.
 */
async function listDatedTables(database: HostileDatabase): Promise<string[]> {
  const { rows } = await database.query<{ table: string }>(
    `select c.relname as table
       from pg_class c
       join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
      where c.relkind = 'r' and c.relpersistence = 'p'
        and (select count(*) from pg_attribute a
              where a.attrelid = c.oid and not a.attisdropped
                and a.attname in ('create_date', 'write_date')
                and a.atttypid = 'timestamp without time zone'::regtype) = 2
      order by c.relpages, c.relname`,
  )
  const tables = rows.map(({ table }) => table)
  const models = (await lookUpOdooTables(database, ['ir_model'])).find('ir_model', 'model', 'transient')
  if (!models) return tables
  const { rows: wizards } = await database.query<{ model: string }>(
    `select left(model, 200) as model from ${models} where transient`,
  )
  const transient = new Set(wizards.map(({ model }) => model.replaceAll('.', '_')))
  return tables.filter((table) => !transient.has(table))
}

/** Undefined when it took too long. */
async function countTable(
  database: HostileDatabase,
  table: string,
  since: Date,
  timeoutMs: number,
): Promise<{ rows: number; last: Date | undefined } | undefined> {
  try {
    const { rows } = await database.query<{ rows: number; last: number | null }>(
      `select count(*)::float8 as rows,
          extract(epoch from max(greatest(create_date, write_date)))::float8 as last
         from only public.${quoteIdentifier(table)}
        where (create_date > $1::timestamp or write_date > $1::timestamp)${exceptions.get(table) ?? ''}`,
      // Odoo writes UTC, without a time zone.
      [since.toISOString().replace('Z', '')],
      { statementMs: timeoutMs },
    )
    const [row] = rows
    return { rows: row?.rows ?? 0, last: row?.last ? new Date(row.last * 1000) : undefined }
  } catch (error) {
    if (isTimeout(error)) return undefined
    throw error
  }
}

/** Attachments that are bundles of assets, which Odoo makes anew whenever it likes. */
const exceptions = new Map([
  ['ir_attachment', " and (res_model = 'ir.ui.view' and url like '/web/assets/%') is not true"],
])
