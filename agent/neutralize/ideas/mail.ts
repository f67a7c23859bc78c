import { blank, credentialLike, type Idea, type Rule, where } from '../rule.ts'
import type { Schema } from '../schema.ts'

/**
 * No mail goes out or comes in. Hosts become `invalid` (RFC 6761) as in Odoo's own dummy, which is what keeps Odoo from
 * falling back to a server of its command line: one is put in where Odoo's series brings none.
 */
export const mail: Idea = (schema) => {
  const insertable = schema.has('ir_mail_server', 'name', 'smtp_port', 'smtp_encryption')
  const authentication = schema.has('ir_mail_server', 'smtp_authentication')
  return [
    ...where(schema, 'ir_mail_server', ['active', 'smtp_host', 'name'], {
      name: 'no mail server but the disabling dummy',
      change: `update public.ir_mail_server set active = false, smtp_host = 'invalid'
                where smtp_host is distinct from 'invalid'`,
      offences: `select name || ' (' || coalesce(smtp_host, '') || ')' as item from public.ir_mail_server
                  where smtp_host is distinct from 'invalid'`,
    }),
    ...where(schema, 'ir_mail_server', ['active', 'smtp_host'], {
      name: 'the disabling mail server is there',
      ...(insertable && {
        change: `insert into public.ir_mail_server
                 (name, smtp_port, smtp_host, smtp_encryption, active${authentication ? ', smtp_authentication' : ''})
               select 'neutralization - disable emails', 1025, 'invalid', 'none', true${authentication ? ", 'login'" : ''}
                where not exists (select from public.ir_mail_server where active and smtp_host = 'invalid')`,
      }),
      offences: `select 'no active mail server with host invalid' as item where not exists (
                   select from public.ir_mail_server where active and smtp_host = 'invalid')`,
    }),
    ...blank(schema, {
      name: 'no credential of an outgoing mail server',
      table: 'ir_mail_server',
      columns: ['smtp_user', 'smtp_pass', 'smtp_ssl_certificate', 'smtp_ssl_private_key'],
      like: /^(google_gmail|microsoft_outlook)_.*(token|code|uri)|passw|token|secret|private_key/,
    }),
    ...where(schema, 'fetchmail_server', ['active', 'name'], {
      name: 'no incoming mail server',
      change: 'update public.fetchmail_server set active = false where active',
      offences: 'select name as item from public.fetchmail_server where active',
    }),
    ...blank(schema, {
      name: 'no credential of an incoming mail server',
      table: 'fetchmail_server',
      columns: ['server', 'user', 'password'],
      like: /^(google_gmail|microsoft_outlook)_.*(token|code|uri)|passw|token|secret|private_key/,
    }),
    ...where(schema, 'mail_template', ['mail_server_id'], {
      name: 'mail templates name no mail server',
      change: 'update public.mail_template set mail_server_id = null where mail_server_id is not null',
      offences: 'select id::text as item from public.mail_template where mail_server_id is not null',
    }),
    ...waiting(schema),
    ...blank(schema, {
      name: 'no credential of a call server',
      table: 'mail_ice_server',
      columns: ['username', 'credential'],
      like: credentialLike,
    }),
  ]
}

/**
 * Mail that production has not sent yet, or could not: links to set a password or to accept an invitation, which production
 * signed and still honours, stand in the mail and in the message that it is made from.
 */
function waiting(schema: Schema): Rule[] {
  const unsent = `state not in ('sent', 'received', 'cancel')`
  const ofUnsent = `body like '%token=%' and id in (
    select mail_message_id from public.mail_mail where state in ('outgoing', 'exception', 'cancel'))`
  return [
    // Before the mail itself is no longer one that waits: where that was cut off, both are found again.
    ...(schema.has('mail_mail', 'state', 'mail_message_id')
      ? where(schema, 'mail_message', ['id', 'body'], {
          name: 'no link to sign in with in a message that waits to be sent',
          change: `update public.mail_message set body = '' where ${ofUnsent}`,
          offences: `select 'message ' || id as item from public.mail_message where ${ofUnsent}`,
        })
      : []),
    ...where(schema, 'mail_mail', ['state', 'body_html'], {
      name: 'no mail waits to be sent',
      change: `update public.mail_mail set state = 'cancel', body_html = null where ${unsent}`,
      offences: `select 'mail ' || id as item from public.mail_mail where ${unsent}`,
    }),
  ]
}
