import type { Queries } from './installed-modules.ts'
import { readSchemaColumns } from './schema-columns.ts'

/** Something that must not be found in a neutralized database. */
interface Assertion {
  name: string
  /** Asked only when this table has all these columns. */
  table: string
  columns: string[]
  /** Each row is an offence; its column `item` says which, without any secret. */
  offences: string
}

export interface AssertionResult {
  name: string
  passed: boolean
  detail: string
  durationMs: number
}

const parameters = { table: 'ir_config_parameter', columns: ['key', 'value'] }

// What Odoo's own neutralize.sql files promise, asked of the data instead of believed.
const assertions: Assertion[] = [
  {
    ...parameters,
    name: 'database is flagged as neutralized',
    offences: `select 'database.is_neutralized is not set' as item where not exists (
      select from ir_config_parameter where key = 'database.is_neutralized' and lower(value) in ('true', 't', '1'))`,
  },
  {
    name: 'no mail server but the disabling dummy',
    table: 'ir_mail_server',
    columns: ['active', 'smtp_host', 'name'],
    offences: `select name || ' (' || coalesce(smtp_host, '') || ')' as item from ir_mail_server
      where active and smtp_host is distinct from 'invalid'`,
  },
  {
    name: 'the disabling mail server is there',
    table: 'ir_mail_server',
    columns: ['active', 'smtp_host'],
    // Without any server, Odoo falls back to one from its command line or to localhost.
    offences: `select 'no active mail server with host invalid' as item where not exists (
      select from ir_mail_server where active and smtp_host = 'invalid')`,
  },
  {
    name: 'no incoming mail server',
    table: 'fetchmail_server',
    columns: ['active', 'name'],
    offences: 'select name as item from fetchmail_server where active',
  },
  {
    name: 'mail templates name no mail server',
    table: 'mail_template',
    columns: ['mail_server_id'],
    offences: 'select id::text as item from mail_template where mail_server_id is not null',
  },
  {
    name: 'no scheduled job but the vacuum',
    table: 'ir_cron',
    columns: ['active'],
    offences: `select coalesce((select module || '.' || name from ir_model_data
                                 where model = 'ir.cron' and res_id = ir_cron.id limit 1), 'job ' || id) as item
      from ir_cron where active and id not in (
        select res_id from ir_model_data
         where model = 'ir.cron' and module = 'base' and name = 'autovacuum_job')`,
  },
  {
    name: 'no webhook is called',
    table: 'ir_act_server',
    columns: ['webhook_url', 'state'],
    offences: `select 'server action ' || id as item from ir_act_server
      where state = 'webhook' and webhook_url is distinct from 'neutralization - disable webhook'`,
  },
  {
    name: 'no payment provider takes real money',
    table: 'payment_provider',
    columns: ['state', 'code'],
    offences: `select code as item from payment_provider where state not in ('test', 'disabled')`,
  },
  {
    name: 'no account of in-app purchases is usable',
    table: 'iap_account',
    columns: ['account_token'],
    offences: `select 'account ' || id as item from iap_account
      where account_token is not null and account_token not like '%+disabled'`,
  },
  {
    ...parameters,
    name: 'no web push and call server keys',
    offences: `select key as item from ir_config_parameter where value <> '' and key in
      ('mail.web_push_vapid_private_key', 'mail.web_push_vapid_public_key', 'mail.sfu_server_key')`,
  },
  {
    name: 'no device gets web push messages',
    table: 'mail_push_device',
    columns: ['id'],
    offences: `select count(*) || ' devices' as item from mail_push_device having count(*) > 0`,
  },
  {
    name: 'no web push message waits',
    table: 'mail_push',
    columns: ['id'],
    offences: `select count(*) || ' messages' as item from mail_push having count(*) > 0`,
  },
  {
    name: 'no sign-in through other services',
    table: 'auth_oauth_provider',
    columns: ['enabled', 'name'],
    offences: 'select name::text as item from auth_oauth_provider where enabled',
  },
  {
    name: 'no delivery carrier in production mode',
    table: 'delivery_carrier',
    columns: ['prod_environment'],
    offences: `select 'carrier ' || id as item from delivery_carrier where prod_environment`,
  },
  {
    name: 'no carrier of an external service',
    table: 'delivery_carrier',
    columns: ['active', 'delivery_type'],
    offences: `select 'carrier ' || id || ' (' || delivery_type || ')' as item from delivery_carrier
      where active and delivery_type not in ('fixed', 'base_on_rule')`,
  },
  {
    name: 'no electronic invoicing in production mode',
    table: 'account_edi_proxy_client_user',
    columns: ['edi_mode', 'proxy_type'],
    offences: `select proxy_type as item from account_edi_proxy_client_user
      where edi_mode = 'prod' and proxy_type <> 'l10n_my_edi'`,
  },
  {
    name: 'no Google calendar is synchronized',
    table: 'res_users_settings',
    columns: ['google_calendar_token', 'google_calendar_rtoken'],
    offences: `select 'user ' || user_id as item from res_users_settings
      where google_calendar_token is not null or google_calendar_rtoken is not null`,
  },
  {
    name: 'no Microsoft calendar is synchronized',
    table: 'res_users',
    columns: ['microsoft_calendar_token', 'microsoft_calendar_rtoken'],
    offences: `select 'user ' || id as item from res_users
      where microsoft_calendar_token is not null or microsoft_calendar_rtoken is not null`,
  },
  {
    ...parameters,
    name: 'no cloud storage takes files',
    offences: `select key as item from ir_config_parameter where key = 'cloud_storage_provider' and value <> ''`,
  },
]

/** Asks a database whether it can still do anything in the real world. Every assertion that applies, passed or not. */
export async function assertNeutral(database: Queries): Promise<AssertionResult[]> {
  const schema = await readSchemaColumns(database)
  const results: AssertionResult[] = []
  for (const { name, table, columns, offences } of assertions) {
    if (!schema.has(table, ...columns)) continue
    const begun = performance.now()
    const { rows } = await database.query<{ item: string | null }>(
      `select item from (${offences}) found limit 6`,
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
