import { blank, empties, type Idea, type Rule, where } from '../rule.ts'
import { literal, quote, type Schema } from '../schema.ts'

/**
 * Work that production has yet to do, and that a copy would do a second time: an order to somebody, a letter, a job whose
 * hour has not come. Each kind is put into a state in which its module leaves it alone; where it has none, it goes.
 * Mail is in mail.ts, scheduled jobs are in jobs.ts.
 */
export const work: Idea = (schema) => [
  ...queues.flatMap((queue) => stops(schema, queue)),
  // Nothing refers to these, and what names a scheduled message is taken away before it.
  ...empties(schema, 'scheduled_message_attachment_rel', 'no message waits for its hour'),
  ...empties(schema, 'mail_scheduled_message_res_partner_rel', 'no message waits for its hour'),
  ...empties(schema, 'mail_scheduled_message', 'no message waits for its hour'),
  ...empties(schema, 'mail_message_schedule', 'no message waits for its hour'),
  ...empties(schema, 'bus_bus', 'no notification waits for a browser'),
  ...where(schema, 'base_automation', ['active', 'trigger'], {
    name: 'no automation acts at a time',
    change: `update public.base_automation set active = false where active and ${isTimed}`,
    offences: `select 'automation ' || id as item from public.base_automation where active and ${isTimed}`,
  }),
  // An electronic invoice that is to be sent or cancelled: one with an error is not tried again by itself.
  ...where(schema, 'account_edi_document', ['state', 'blocking_level'], {
    name: 'no electronic invoice waits to be sent',
    change: `update public.account_edi_document set blocking_level = 'error' where ${isUnsentInvoice}`,
    offences: `select 'document ' || id as item from public.account_edi_document where ${isUnsentInvoice}`,
  }),
  // 17: send_and_print_values.
  ...blank(schema, {
    name: 'no invoice waits to be sent',
    table: 'account_move',
    columns: ['sending_data', 'send_and_print_values'],
  }),
  ...where(schema, 'sale_order', ['pending_email_template_id'], {
    name: 'no confirmation of an order waits to be sent',
    change: `update public.sale_order set pending_email_template_id = null where pending_email_template_id is not null`,
    offences: `select 'order ' || id as item from public.sale_order where pending_email_template_id is not null`,
  }),
]

/** `on_time` until 16. */
const isTimed = `trigger in ('on_time', 'on_time_created', 'on_time_updated')`
const isUnsentInvoice = `state in ('to_send', 'to_cancel') and blocking_level is distinct from 'error'`

/** Work with a state of its own. */
interface Queue {
  readonly name: string
  readonly table: string
  /** Default: `state`. */
  readonly column?: string
  /** States in which the module goes on with it, sooner or later. */
  readonly waiting: readonly string[]
  readonly becomes: string
  /** A column for when that happened. */
  readonly at?: string
}

/** Of Odoo, its enterprise edition (whatsapp, social, marketing_automation) and the OCA (queue_job, attachment_queue, edi). */
const queues: readonly Queue[] = [
  {
    // With an hour to wait for (eta), on another job, or under way when the copy was made: all start again by themselves.
    name: 'no job of a queue waits',
    table: 'queue_job',
    waiting: ['wait_dependencies', 'pending', 'enqueued', 'started'],
    becomes: 'cancelled',
    at: 'date_cancelled',
  },
  {
    name: 'no text message waits to be sent',
    table: 'sms_sms',
    // `pending` is one that was sent.
    waiting: ['outgoing', 'process'],
    becomes: 'canceled',
  },
  {
    name: 'no letter waits to be sent',
    table: 'snailmail_letter',
    // Odoo tries some errors again.
    waiting: ['pending', 'error'],
    becomes: 'canceled',
  },
  {
    name: 'no mailing waits to be sent',
    table: 'mailing_mailing',
    waiting: ['in_queue', 'sending'],
    becomes: 'draft',
  },
  {
    name: 'no WhatsApp message waits to be sent',
    table: 'whatsapp_message',
    waiting: ['outgoing'],
    becomes: 'cancel',
  },
  {
    name: 'no post waits to be published',
    table: 'social_post',
    waiting: ['scheduled', 'posting'],
    becomes: 'draft',
  },
  {
    name: 'no post waits to be published',
    table: 'social_live_post',
    waiting: ['ready', 'posting'],
    becomes: 'failed',
  },
  {
    name: 'no marketing campaign runs',
    table: 'marketing_campaign',
    waiting: ['running'],
    becomes: 'stopped',
  },
  {
    name: 'no marketing campaign runs',
    table: 'marketing_trace',
    waiting: ['scheduled'],
    becomes: 'canceled',
  },
  {
    name: 'no file waits to be imported or exported',
    table: 'attachment_queue',
    waiting: ['pending'],
    becomes: 'failed',
  },
  {
    name: 'no file waits to be imported or exported',
    table: 'edi_exchange_record',
    column: 'edi_exchange_state',
    waiting: ['output_pending'],
    becomes: 'output_error_on_send',
  },
  {
    name: 'no file waits to be imported or exported',
    table: 'edi_exchange_record',
    column: 'edi_exchange_state',
    waiting: ['input_pending'],
    becomes: 'input_receive_error',
  },
]

/** Tables whose queue is known here. */
export const knownQueues: ReadonlySet<string> = new Set(queues.map(({ table }) => table))

function stops(schema: Schema, { name, table, column = 'state', waiting, becomes, at }: Queue): Rule[] {
  const waits = `${column} in (${waiting.map(literal).join(', ')})`
  const stamp = at && schema.has(table, at) ? `, ${at} = now() at time zone 'utc'` : ''
  return where(schema, table, [column], {
    name,
    change: `update public.${quote(table)} set ${column} = ${literal(becomes)}${stamp} where ${waits}`,
    offences: `select ${literal(`${table}: `)} || count(*) || ' ' || ${column} as item
                 from public.${quote(table)} where ${waits} group by ${column}`,
  })
}
