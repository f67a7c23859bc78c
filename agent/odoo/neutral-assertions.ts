import type { HostileDatabase } from '../database/hostile-database.ts'
import { lookUpOdooTables } from '../database/odoo-tables.ts'

/** Something that must not be found in a neutralized database. */
interface Assertion {
  name: string
  /** Asked only when these tables are there with these columns; the first is the one it is about. */
  tables: Record<string, readonly string[]>
  /**
   * Each row is an offence; its column `item` says which, without any secret.
   *
   * @param table gives a table's name for SQL.
   */
  offences: (table: (name: string) => string) => string
}

export interface AssertionResult {
  name: string
  passed: boolean
  detail: string
  durationMs: number
}

const parameters = { tables: { ir_config_parameter: ['key', 'value'] } }

// What Odoo's own neutralize.sql files promise, asked of the data instead of believed.
const assertions: Assertion[] = [
  {
    ...parameters,
    name: 'database is flagged as neutralized',
    offences: (table) => `select 'database.is_neutralized is not set' as item where not exists (
      select from ${table('ir_config_parameter')} where key = 'database.is_neutralized' and lower(value) in ('true', 't', '1'))`,
  },
  {
    name: 'no mail server but the disabling dummy',
    tables: { ir_mail_server: ['active', 'smtp_host', 'name'] },
    offences: (
      table,
    ) => `select name || ' (' || coalesce(smtp_host, '') || ')' as item from ${table('ir_mail_server')}
      where active and smtp_host is distinct from 'invalid'`,
  },
  {
    name: 'the disabling mail server is there',
    tables: { ir_mail_server: ['active', 'smtp_host'] },
    // Without any server, Odoo falls back to one from its command line or to localhost.
    offences: (table) => `select 'no active mail server with host invalid' as item where not exists (
      select from ${table('ir_mail_server')} where active and smtp_host = 'invalid')`,
  },
  {
    name: 'no incoming mail server',
    tables: { fetchmail_server: ['active', 'name'] },
    offences: (table) => `select name as item from ${table('fetchmail_server')} where active`,
  },
  {
    name: 'mail templates name no mail server',
    tables: { mail_template: ['mail_server_id'] },
    offences: (table) =>
      `select id::text as item from ${table('mail_template')} where mail_server_id is not null`,
  },
  {
    name: 'no scheduled job but the vacuum',
    tables: { ir_cron: ['id', 'active'], ir_model_data: ['module', 'name', 'model', 'res_id'] },
    offences: (table) => `select coalesce((select module || '.' || name from ${table('ir_model_data')}
                                 where model = 'ir.cron' and res_id = cron.id limit 1), 'job ' || id) as item
      from ${table('ir_cron')} cron where active and not exists (
        select from ${table('ir_model_data')}
         where model = 'ir.cron' and module = 'base' and name = 'autovacuum_job' and res_id = cron.id)`,
  },
  {
    name: 'no webhook is called',
    tables: { ir_act_server: ['webhook_url', 'state'] },
    offences: (table) => `select 'server action ' || id as item from ${table('ir_act_server')}
      where state = 'webhook' and webhook_url is distinct from 'neutralization - disable webhook'`,
  },
  {
    name: 'no payment provider takes real money',
    tables: { payment_provider: ['state', 'code'] },
    offences: (table) =>
      `select code as item from ${table('payment_provider')} where state not in ('test', 'disabled')`,
  },
  {
    name: 'no account of in-app purchases is usable',
    tables: { iap_account: ['account_token'] },
    offences: (table) => `select 'account ' || id as item from ${table('iap_account')}
      where account_token is not null and account_token not like '%+disabled'`,
  },
  {
    ...parameters,
    name: 'no web push and call server keys',
    offences: (table) => `select key as item from ${table('ir_config_parameter')} where value <> '' and key in
      ('mail.web_push_vapid_private_key', 'mail.web_push_vapid_public_key', 'mail.sfu_server_key')`,
  },
  {
    name: 'no device gets web push messages',
    tables: { mail_push_device: ['id'] },
    offences: (table) =>
      `select count(*) || ' devices' as item from ${table('mail_push_device')} having count(*) > 0`,
  },
  {
    name: 'no web push message waits',
    tables: { mail_push: ['id'] },
    offences: (table) =>
      `select count(*) || ' messages' as item from ${table('mail_push')} having count(*) > 0`,
  },
  {
    name: 'no sign-in through other services',
    tables: { auth_oauth_provider: ['enabled', 'name'] },
    offences: (table) => `select name::text as item from ${table('auth_oauth_provider')} where enabled`,
  },
  {
    name: 'no delivery carrier in production mode',
    tables: { delivery_carrier: ['prod_environment'] },
    offences: (table) =>
      `select 'carrier ' || id as item from ${table('delivery_carrier')} where prod_environment`,
  },
  {
    name: 'no carrier of an external service',
    tables: { delivery_carrier: ['active', 'delivery_type'] },
    offences: (
      table,
    ) => `select 'carrier ' || id || ' (' || delivery_type || ')' as item from ${table('delivery_carrier')}
      where active and delivery_type not in ('fixed', 'base_on_rule')`,
  },
  {
    name: 'no electronic invoicing in production mode',
    tables: { account_edi_proxy_client_user: ['edi_mode', 'proxy_type'] },
    offences: (table) => `select proxy_type as item from ${table('account_edi_proxy_client_user')}
      where edi_mode = 'prod' and proxy_type <> 'l10n_my_edi'`,
  },
  {
    name: 'no Google calendar is synchronized',
    tables: { res_users_settings: ['google_calendar_token', 'google_calendar_rtoken'] },
    offences: (table) => `select 'user ' || user_id as item from ${table('res_users_settings')}
      where google_calendar_token is not null or google_calendar_rtoken is not null`,
  },
  {
    name: 'no Microsoft calendar is synchronized',
    tables: { res_users: ['microsoft_calendar_token', 'microsoft_calendar_rtoken'] },
    offences: (table) => `select 'user ' || id as item from ${table('res_users')}
      where microsoft_calendar_token is not null or microsoft_calendar_rtoken is not null`,
  },
  {
    ...parameters,
    name: 'no cloud storage takes files',
    offences: (table) =>
      `select key as item from ${table('ir_config_parameter')} where key = 'cloud_storage_provider' and value <> ''`,
  },
]

/**
 * Asks a database whether it can still do anything in the real world. Every assertion that applies, passed or not.
 *
 * @throws TaskError `database-hostile` when a table that one is about is not what Odoo reads.
 */
export async function assertNeutral(database: HostileDatabase): Promise<AssertionResult[]> {
  const tables = await lookUpOdooTables(
    database,
    assertions.flatMap((assertion) => Object.keys(assertion.tables)),
  )
  const results: AssertionResult[] = []
  for (const { name, tables: asked, offences } of assertions) {
    const found = new Map(
      Object.entries(asked).map(([table, columns]) => [table, tables.find(table, ...columns)]),
    )
    if ([...found.values()].includes(undefined)) continue
    const begun = performance.now()
    const { rows } = await database.query<{ item: string | null }>(
      `select left(item, 200) as item from (${offences((table) => found.get(table) ?? '')}) found limit 6`,
    )
    const items = rows.map((row) => row.item ?? 'unnamed')
    results.push({
      name,
      passed: items.length === 0,
      detail: items.slice(0, 5).join(', ') + (items.length > 5 ? ', …' : ''),
      durationMs: Math.round(performance.now() - begun),
    })
  }
  return results
}
