import { type Idea, where } from '../rule.ts'
import { literal } from '../schema.ts'

const keyLike =
  '(passw(or)?d|passphrase|secret|api_?key|private_?key|access_?key|static_api_key|server_key|vapid|client_id|account_sid|account_info|credential|bearer|(^|[._-])tokens?$|auth_token|access_token|refresh_token|account_token|service_token|_token$|turnstile|recaptcha)'
/** What a value itself gives away: a private key, a well-known form of key, a password in an address. */
const valueLike =
  '(-----BEGIN [A-Z ]*PRIVATE KEY|"private_key"|^(sk|pk|rk)_(live|test)_|^whsec_|^AKIA[0-9A-Z]{16}|^gh[pousr]_|^glpat-|^xox[abpr]-|^AIza[0-9A-Za-z_-]{30}|^SG\\.|^eyJ[A-Za-z0-9_-]+\\.eyJ|://[^/@[:space:]]+:[^/@[:space:]]+@)'

/** Settings that only look like keys: Odoo reads numbers and switches in them. */
const plain = [
  'password.hashing.rounds',
  'auth_password_policy.minlength',
  'auth_signup.reset_password',
  'auth_signup.reset_password.validity.hours',
  'portal.allow_api_keys',
  'mail.chat_from_token',
]
// The last signs links that confirm an address.
const rotated = ['database.secret', 'database.uuid', 'website_profile.uuid']

// A switch or a number is no secret, and Odoo would fail on an empty one.
const filled = `coalesce(value, '') <> '' and lower(value) not in ('true', 'false') and value !~ '^[0-9]{1,6}$'`
const isKey = `((key ~* ${literal(keyLike)} and key not in (${[...plain, ...rotated].map(literal).join(', ')}))
  or value ~ ${literal(valueLike)})`

/**
 * `ir.config_parameter`. `database.secret` signs what lets people in (links to set a password, portal links): with
 * production's, a copy could sign for production. `database.uuid` is who we are to Odoo's own services.
 */
export const parameters: Idea = (schema, { secretSha256 }) => {
  const columns = ['key', 'value']
  const table = 'ir_config_parameter'
  return [
    ...where(schema, table, columns, {
      name: 'database.secret and database.uuid are new ones',
      change: `update public.ir_config_parameter set value = gen_random_uuid()::text
                where key in (${rotated.map(literal).join(', ')})`,
      offences: secretSha256
        ? `select key as item from public.ir_config_parameter where key = 'database.secret'
            and encode(sha256(convert_to(value, 'UTF8')), 'hex') = ${literal(secretSha256)}`
        : `select 'nothing is known of production’s' as item where false`,
    }),
    ...where(schema, table, columns, {
      name: 'no subscription of production',
      change: `update public.ir_config_parameter set value = '' where value <> '' and key in
                 ('database.enterprise_code', 'database.already_linked_subscription_url',
                  'database.already_linked_email', 'database.already_linked_send_mail_url')`,
      offences: `select key as item from public.ir_config_parameter
                  where value <> '' and key = 'database.enterprise_code'`,
    }),
    ...where(schema, table, columns, {
      name: 'no cloud storage takes files',
      change: `delete from public.ir_config_parameter where key like 'cloud\\_storage%'`,
      offences: `select key as item from public.ir_config_parameter where key like 'cloud\\_storage%' and value <> ''`,
    }),
    ...where(schema, table, columns, {
      name: 'no web push and call server keys',
      change: `delete from public.ir_config_parameter where key in
        ('mail.web_push_vapid_private_key', 'mail.web_push_vapid_public_key', 'mail.sfu_server_key', 'mail.sfu_local_key')`,
      offences: `select key as item from public.ir_config_parameter where value <> '' and key in
        ('mail.web_push_vapid_private_key', 'mail.web_push_vapid_public_key', 'mail.sfu_server_key', 'mail.sfu_local_key')`,
    }),
    ...where(schema, table, columns, {
      name: 'no parameter that looks like a key, a token or a password',
      change: `update public.ir_config_parameter set value = '' where ${filled} and ${isKey}`,
      offences: `select key as item from public.ir_config_parameter where ${filled} and ${isKey}`,
    }),
    ...where(schema, table, columns, {
      name: 'database is flagged as neutralized',
      change: `insert into public.ir_config_parameter (key, value) values ('database.is_neutralized', 'true')
               on conflict (key) do update set value = excluded.value`,
      offences: `select 'database.is_neutralized is not set' as item where not exists (
        select from public.ir_config_parameter
         where key = 'database.is_neutralized' and lower(value) in ('true', 't', '1'))`,
    }),
  ]
}
