import { hostPattern } from '../host-pattern.ts'
import { type Idea, type Rule, where } from '../rule.ts'
import { type Column, literal, quote, type Schema } from '../schema.ts'

/** Where the links of a copy lead that nobody visits. */
const nowhere = 'http://localhost:8069'

const setting = 'ir_config_parameter'
const isLoopback = `value ~* '^https?://(localhost|127\\.[0-9.]+|\\[::1\\])(:[0-9]+)?(/|$)'`
const meeting = '/calendar/join_videocall/'

/**
 * Where people write addresses that others then follow, by table: its columns of texts, or all of them. What was written to
 * somebody (messages, documents) is not among them: it stays as it was.
 */
const written: Readonly<Record<string, 'all' | readonly string[]>> = {
  [setting]: ['value'],
  ir_act_url: ['url'],
  // Actions that open an address, or send one.
  ir_act_server: ['code'],
  ir_ui_view: ['arch_db'],
  mail_template: 'all',
  sms_template: ['body'],
  mailing_mailing: 'all',
  link_tracker: ['url'],
  // What stands below a document, and its link to the company.
  res_company: 'all',
  res_partner: ['website'],
  // Where customers come back from. `payment_acquirer` until 15.
  payment_provider: 'all',
  payment_acquirer: 'all',
  website: 'all',
  website_menu: ['url'],
  website_rewrite: ['url_to'],
}

const isText = (kind: Column['kind']): boolean => kind === 'text' || kind === 'json'

/**
 * Links in mails, payment returns and PDFs lead to the copy itself. `web.base.url` is frozen at its address: Odoo would
 * set it anew when an administrator signs in. Where nobody knows the address Odoo is to find it in that way.
 */
export const addresses: Idea = (schema, { address, productionHosts = [] }) => {
  const own = address ?? nowhere
  const visited = address !== undefined
  return [
    ...parameter(schema, 'web.base.url', own, visited),
    ...parameter(schema, 'web.base.url.freeze', visited ? 'True' : '', visited),
    // Where it is not set, PDFs go by web.base.url.
    ...where(schema, setting, ['key', 'value'], {
      name: 'report.url is the copy’s own address',
      change: `update public.ir_config_parameter set value = ${literal(own)}
                where key = 'report.url' and value not in ('', ${literal(own)}) and not ${isLoopback}`,
      offences: `select key as item from public.ir_config_parameter
                  where key = 'report.url' and value not in ('', ${literal(own)}) and not ${isLoopback}`,
    }),
    // As Odoo's own neutralization has it: a website without a domain answers at web.base.url.
    ...where(schema, 'website', ['domain'], {
      name: 'no website has an address of its own',
      change: `update public.website set domain = null where domain is not null`,
      offences: `select 'website ' || id as item from public.website where domain <> ''`,
    }),
    ...where(schema, 'website', ['cdn_activated'], {
      name: 'no website takes its files from a content delivery network',
      change: `update public.website set cdn_activated = false where cdn_activated`,
      offences: `select 'website ' || id as item from public.website where cdn_activated`,
    }),
    ...Object.entries(written).flatMap(([table, columns]) =>
      schema
        .columnsOf(table)
        .filter(({ name, kind }) => (columns === 'all' || columns.includes(name)) && isText(kind))
        .flatMap((column) => leadingHome(schema, table, column, { own, productionHosts })),
    ),
    // The invitation's token is new by now: documents.ts.
    ...where(schema, 'calendar_event', ['videocall_location', 'access_token'], {
      name: 'no meeting is held at production',
      change: `update public.calendar_event set videocall_location = ${literal(own + meeting)} || access_token
                where strpos(videocall_location, '${meeting}') > 0`,
      offences: `select 'meeting ' || id as item from public.calendar_event
                  where strpos(videocall_location, '${meeting}') > 0
                    and not starts_with(videocall_location, ${literal(`${own}${meeting}fairway`)})`,
    }),
  ]
}

/** A setting with this value; without an address to have, none that is another one's is enough. */
function parameter(schema: Schema, key: string, value: string, required: boolean): Rule[] {
  const name = `${key} is the copy’s own`
  const [is, wanted] = [literal(key), literal(value)]
  return where(schema, setting, ['key', 'value'], {
    name,
    change: required
      ? `insert into public.ir_config_parameter (key, value) values (${is}, ${wanted})
         on conflict (key) do update set value = excluded.value`
      : `update public.ir_config_parameter set value = ${wanted} where key = ${is} and value <> ${wanted}`,
    offences: `select ${is} as item from public.ir_config_parameter where key = ${is} and value <> ${wanted}
      ${required ? `union all select ${is} where not exists (select from public.ir_config_parameter where key = ${is})` : ''}`,
  })
}

interface Home {
  readonly own: string
  readonly productionHosts: readonly string[]
}

/** Addresses with a host name of production, wherever in a text; of translated ones, in every language. */
function leadingHome(
  schema: Schema,
  table: string,
  { name, kind }: Column,
  { own, productionHosts }: Home,
): Rule[] {
  if (productionHosts.length === 0) return []
  const hosts = productionHosts.map(hostPattern).join('|')
  const at = (scheme: string) =>
    literal(`${scheme}s?://([^/@[:space:]]*@)?(${hosts})(:[0-9]+)?(?![a-z0-9-]|\\.[a-z0-9])`)
  const forWebSocket = own.replace(/^http/, 'ws')
  const text = kind === 'json' ? `${quote(name)}::text` : quote(name)
  const changed = `regexp_replace(regexp_replace(${text}, ${at('http')}, ${literal(own)}, 'gi'),
                                  ${at('ws')}, ${literal(forWebSocket)}, 'gi')`
  // The name alone is soon looked for; most texts have none.
  const isOfProduction = `${text} ~* ${literal(hosts)} and ${text} ~* ${at('(http|ws)')}`
  const item = table === setting ? 'key' : `id || ${literal(`.${name}`)}`
  return where(schema, table, [name], {
    name: 'no stored address leads to production',
    change: `update public.${quote(table)} set ${quote(name)} = ${kind === 'json' ? `(${changed})::json` : changed}
              where ${isOfProduction}`,
    offences: `select ${literal(`${table} `)} || ${item} as item from public.${quote(table)} where ${isOfProduction}`,
    isSecret: false,
  })
}
