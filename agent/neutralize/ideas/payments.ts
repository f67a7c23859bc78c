import { blank, credentialLike, type Idea, where } from '../rule.ts'

/** Names that payment modules of 14 to 19 give to what a provider knows its merchant by. */
const merchantLike =
  /_(key|login|merchant|account|username|user|email|email_account|pspid|ident|identifier|terminal|access_code|sha_request|sha_response|sha_in|sha_out|website|website_key|pdt_token|service_ref|public_key|hash_secret|publishable|key_id|merchant_id|merchant_identifier|merchant_account|merchant_code|merchant_terminal|site_identifier|webhook_id|bucket_name)$/

/** No provider takes money, and none is known by us: `payment_acquirer` until 15, `payment_provider` from 16 on. */
export const payments: Idea = (schema) => [
  ...['payment_provider', 'payment_acquirer'].flatMap((table) => [
    ...where(schema, table, ['state'], {
      name: 'no payment provider takes real money',
      change: `update public.${table} set state = 'disabled' where state not in ('test', 'disabled')`,
      offences: `select ${schema.has(table, 'code') ? 'code' : 'id::text'} as item from public.${table}
                  where state not in ('test', 'disabled')`,
    }),
    ...blank(schema, {
      name: 'no credential of a payment provider',
      table,
      like: new RegExp(`${credentialLike.source}|${merchantLike.source}`),
    }),
  ]),
  ...blank(schema, {
    name: 'no saved means of payment',
    table: 'payment_token',
    columns: ['provider_ref', 'acquirer_ref'],
    like: /shopper|payment_method$|mandate|profile|customer|token|_ref$/,
  }),
  ...blank(schema, {
    name: 'no credential of a payment terminal',
    table: 'pos_payment_method',
    columns: ['adyen_terminal_identifier', 'stripe_serial_number', 'glory_username'],
    like: new RegExp(`${credentialLike.source}|${merchantLike.source}`),
  }),
]
