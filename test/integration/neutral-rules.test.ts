import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { findUncovered } from '../../agent/neutralize/coverage.ts'
import { findHost } from '../../agent/neutralize/remember-production.ts'
import { createNeutralDatabase, type NeutralDatabase } from '../support/neutral-database.ts'
import { canary, parameters } from '../support/neutral-tables.ts'

// What each rule takes away and what it leaves, on a database with all tables that rules know.

let database: NeutralDatabase
beforeAll(async () => {
  database = await createNeutralDatabase()
}, 120_000)
afterAll(() => database?.remove(), 60_000)
beforeEach(() => database.reset(), 60_000)

/** `table.column` of all whose statistics, which the tables' owner may read, hold a canary. */
async function remembered(): Promise<string[]> {
  const rows = await database.rowsOf<{ item: string }>(
    `select tablename || '.' || attname as item from pg_stats
      where schemaname = 'public' and tablename <> 'loot'
        and strpos(concat(most_common_vals::text, histogram_bounds::text, most_common_elems::text), '${canary}') > 0`,
  )
  return rows.map(({ item }) => item).sort()
}

test('every column that holds a credential is blanked, whatever series it is of, and nothing else is', async () => {
  expect(await database.failed()).not.toEqual([])
  await database.blank()
  expect(await database.remaining()).toEqual([])
  expect(await database.failed()).toEqual([])
  const kept = await database.rowsOf<{ key: string; value: string }>(
    'select key, value from ir_config_parameter',
  )
  for (const [key, value, stays] of parameters)
    if (stays) expect(kept.find((row) => row.key === key)?.value).toBe(value)
  expect(await database.rowsOf('select name, smtp_host, active from ir_mail_server order by id')).toEqual([
    { name: 'stays', smtp_host: 'invalid', active: false },
    { name: 'neutralization - disable emails', smtp_host: 'invalid', active: true },
  ])
  expect(await database.rowsOf('select code, state, allow_tokenization from payment_provider')).toEqual([
    { code: 'stays', state: 'disabled', allow_tokenization: true },
  ])
  expect(await database.rowsOf('select state, body_html from mail_mail order by id')).toEqual([
    { state: 'cancel', body_html: null },
    { state: 'sent', body_html: 'kept' },
  ])
  expect(await database.rowsOf('select body from mail_message order by id')).toEqual([
    { body: '' },
    { body: 'https://shop.example.com/?token=of a note' },
  ])
  const [visitor] = await database.rowsOf<{ access_token: string }>(
    'select access_token from website_visitor',
  )
  expect(visitor?.access_token).toMatch(/^fairway[0-9a-f]{25}$/)
  expect((await database.rowsOf<{ name: string }>('select name from sale_order'))[0]?.name).toBe('stays')
})

test('company-dependent fields of before 18, histories and files of fields go by the names of their fields', async () => {
  await database.asOdoo(
    'create table ir_property (name varchar, value_text text, value_binary bytea)',
    `insert into ir_property values ('x_api_key', 'canary', 'canary'), ('property_note', 'stays', null)`,
    'create table ir_model_fields (id serial primary key, name varchar)',
    `insert into ir_model_fields (name) values ('webhook_url'), ('name')`,
    `create table mail_tracking_value (id serial primary key, field_id int, old_value_char varchar, new_value_char varchar,
       old_value_text text, new_value_text text)`,
    `insert into mail_tracking_value (field_id, old_value_char, new_value_text) values (1, 'canary', 'canary'), (2, 'stays', '')`,
    `create table ir_attachment (id serial primary key, res_model varchar, res_field varchar, store_fname varchar,
       db_datas bytea, checksum varchar, index_content text)`,
    `insert into ir_attachment (res_model, res_field, db_datas) values
       ('res.company', 'l10n_pl_edi_session_key', 'canary'), ('res.company', 'logo', 'stays'), ('res.company', null, 'stays')`,
  )
  expect(await database.failed()).toEqual(
    expect.arrayContaining([
      'no credential in a company-dependent field',
      'no credential in the history of a record',
      'no file of a private key',
    ]),
  )
  await database.blank()
  expect(await database.rowsOf('select value_text, value_binary from ir_property order by name')).toEqual([
    { value_text: 'stays', value_binary: null },
    { value_text: null, value_binary: null },
  ])
  expect(
    await database.rowsOf('select old_value_char, new_value_text from mail_tracking_value order by id'),
  ).toEqual([
    { old_value_char: null, new_value_text: null },
    { old_value_char: 'stays', new_value_text: '' },
  ])
  expect(
    await database.rowsOf(`select convert_from(db_datas, 'UTF8') as data from ir_attachment order by id`),
  ).toEqual([{ data: null }, { data: 'stays' }, { data: 'stays' }])
  expect(await database.failed()).toEqual([])
})

test('what PostgreSQL remembers of values for its planner goes with the values', async () => {
  await database.asOdoo(
    'create view passkeys as select credential_identifier from auth_passkey_key',
    'analyze',
  )
  expect(await remembered()).toContain('ir_config_parameter.value')
  // What others took away, as production's own neutralization does, is remembered as well.
  await database.asOdoo(`update ir_config_parameter set value = 'gone' where value = '${canary}'`)
  expect(await database.failed()).toContain('no value of production in the planner’s statistics')
  await database.blank()
  expect(await remembered()).toEqual([])
  expect(await database.failed()).toEqual([])
})

test('again changes nothing but what is random', async () => {
  await database.blank()
  await database.blank()
  expect(await database.failed()).toEqual([])
  expect(await database.rowsOf('select from ir_mail_server')).toHaveLength(2)
})

test('passwords stay where the policy keeps them, and the administrator alone gets one where it resets them', async () => {
  await database.blank({ passwords: 'keep' })
  expect(await database.remaining()).toEqual(['res_users.password', 'hr_employee.pin'])
  await database.asOdoo(`insert into res_users (login, password) values ('ann', 'canary')`)
  expect(await database.blank({ passwords: 'reset' }, '$hash$')).toBe('stays')
  expect(await database.rowsOf('select id, password from res_users order by id')).toEqual([
    { id: 1, password: '$hash$' },
    { id: 2, password: null },
  ])
})

/** Table, states that go on by themselves, what becomes of them, and those that are no work. */
const queues: [table: string, waiting: string[], becomes: string, others: string[], column?: string][] = [
  [
    'queue_job',
    ['wait_dependencies', 'pending', 'enqueued', 'started'],
    'cancelled',
    ['done', 'cancelled', 'failed'],
  ],
  ['sms_sms', ['outgoing', 'process'], 'canceled', ['pending', 'sent', 'error', 'canceled']],
  ['snailmail_letter', ['pending', 'error'], 'canceled', ['sent', 'canceled']],
  ['mailing_mailing', ['in_queue', 'sending'], 'draft', ['draft', 'done']],
  ['whatsapp_message', ['outgoing'], 'cancel', ['sent', 'delivered', 'read', 'error']],
  ['social_post', ['scheduled', 'posting'], 'draft', ['draft', 'posted']],
  ['social_live_post', ['ready', 'posting'], 'failed', ['posted', 'failed']],
  ['marketing_campaign', ['running'], 'stopped', ['draft', 'stopped']],
  ['marketing_trace', ['scheduled'], 'canceled', ['processed', 'error']],
  ['attachment_queue', ['pending'], 'failed', ['done', 'failed']],
  ['edi_exchange_record', ['output_pending'], 'output_error_on_send', ['output_sent'], 'edi_exchange_state'],
]

test('work that waits in production is not done by a copy', async () => {
  for (const [table, waiting, , others, column = 'state'] of queues)
    await database.asOdoo(
      `create table ${table} (id serial primary key, ${column} varchar, eta timestamp)`,
      `insert into ${table} (${column}, eta) select state, now() + interval '1 hour'
         from unnest(array['${[...waiting, ...others].join("','")}']) state`,
    )
  await database.asOdoo('alter table queue_job add date_cancelled timestamp')
  const before = await database.failed()
  await database.blank()
  expect(await database.failed()).toEqual([])
  expect(before).toEqual(
    expect.arrayContaining([
      'no job of a queue waits',
      'no text message waits to be sent',
      'no letter waits to be sent',
      'no mailing waits to be sent',
      'no WhatsApp message waits to be sent',
      'no post waits to be published',
      'no marketing campaign runs',
      'no file waits to be imported or exported',
    ]),
  )
  for (const [table, waiting, becomes, others, column = 'state'] of queues) {
    const rows = await database.rowsOf<{ state: string }>(
      `select ${column} as state from ${table} where eta is not null order by id`,
    )
    expect(rows.map(({ state }) => state)).toEqual([...waiting.map(() => becomes), ...others])
  }
  expect(await database.rowsOf('select from queue_job where date_cancelled is not null')).toHaveLength(4)
})

test('what has an hour or a mark in place of a state is not done either', async () => {
  await database.asOdoo(
    'create table mail_scheduled_message (id serial primary key, body text)',
    'create table scheduled_message_attachment_rel (scheduled_message_id int references mail_scheduled_message on delete cascade)',
    'create table mail_message_schedule (id serial primary key, scheduled_datetime timestamp)',
    'create table bus_bus (id serial primary key, message varchar)',
    `insert into mail_scheduled_message (body) values ('later')`,
    'insert into scheduled_message_attachment_rel values (1)',
    'insert into mail_message_schedule (scheduled_datetime) values (now())',
    `insert into bus_bus (message) values ('hello')`,
    `insert into ir_model_data (module, name, model, res_id) values ('base', 'autovacuum_job', 'ir.cron', 2)`,
    'insert into ir_cron (active) values (true)',
    'create table ir_cron_trigger (id serial primary key, cron_id int, call_at timestamp)',
    'insert into ir_cron_trigger (cron_id, call_at) values (1, now()), (2, now())',
    'alter table base_automation add active boolean, add trigger varchar',
    `update base_automation set active = true, trigger = 'on_time'`,
    `insert into base_automation (active, trigger) values (true, 'on_time_created'), (true, 'on_create_or_write')`,
    'create table account_edi_document (id serial primary key, state varchar, blocking_level varchar)',
    `insert into account_edi_document (state, blocking_level) values ('to_send', null), ('to_cancel', 'warning'), ('sent', null)`,
    'create table account_move (id serial primary key, name varchar, sending_data jsonb)',
    `insert into account_move (name, sending_data) values ('stays', '{"author_user_id": 2}')`,
    'alter table sale_order add pending_email_template_id int',
    'update sale_order set pending_email_template_id = 1',
  )
  const before = await database.failed()
  await database.blank()
  expect(await database.failed()).toEqual([])
  expect(before).toEqual(
    expect.arrayContaining([
      'no scheduled job was called for an hour',
      'no message waits for its hour',
      'no notification waits for a browser',
      'no automation acts at a time',
      'no electronic invoice waits to be sent',
      'no invoice waits to be sent',
      'no confirmation of an order waits to be sent',
    ]),
  )
  for (const table of ['mail_scheduled_message', 'scheduled_message_attachment_rel', 'mail_message_schedule'])
    expect(await database.rowsOf(`select from ${table}`)).toEqual([])
  expect(await database.rowsOf('select cron_id from ir_cron_trigger')).toEqual([{ cron_id: 2 }])
  expect(await database.rowsOf('select id, active from ir_cron order by id')).toEqual([
    { id: 1, active: false },
    { id: 2, active: true },
  ])
  expect(await database.rowsOf('select trigger, active from base_automation order by id')).toEqual([
    { trigger: 'on_time', active: false },
    { trigger: 'on_time_created', active: false },
    { trigger: 'on_create_or_write', active: true },
  ])
  expect(await database.rowsOf('select state, blocking_level from account_edi_document order by id')).toEqual(
    [
      { state: 'to_send', blocking_level: 'error' },
      { state: 'to_cancel', blocking_level: 'error' },
      { state: 'sent', blocking_level: null },
    ],
  )
  expect(await database.rowsOf('select name, sending_data from account_move')).toEqual([
    { name: 'stays', sending_data: null },
  ])
})

const settings = async () => {
  const rows = await database.rowsOf<{ key: string; value: string }>(
    'select key, value from ir_config_parameter',
  )
  return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
}
const address = 'https://main.shop.staging.example.net:8443'
const productionHosts = ['shop.example.com', 'www.shop.example.com']

test('links lead to the copy itself, and stay so', async () => {
  await database.asOdoo(
    `insert into ir_config_parameter (key, value) values
       ('report.url', 'https://shop.example.com'), ('web.base.url.freeze', 'False'),
       ('shop.returns', 'see HTTPS://Shop.example.com:443/returns and https://www.shop.example.com'),
       ('shop.socket', 'wss://shop.example.com/websocket'),
       ('shop.other', 'https://shop.example.com.example.net/ https://notshop.example.com http://shopXexample.com')`,
    'alter table website add domain varchar unique, add cdn_activated boolean',
    `update website set domain = 'https://www.shop.example.com', cdn_activated = true`,
    'create table ir_act_url (id serial primary key, url text)',
    `insert into ir_act_url (url) values ('https://shop.example.com/help#a'), ('/odoo'), ('https://example.org')`,
    'create table mail_template (id serial primary key, name jsonb, body_html jsonb)',
    `insert into mail_template (body_html) values ('{"de_DE": "<a href=\\"https://shop.example.com/\u00fc\\">", "en_US": "x"}')`,
    'create table calendar_event (id serial primary key, access_token varchar, videocall_location varchar)',
    `insert into calendar_event (access_token, videocall_location) values
       ('canary', 'https://shop.example.com/calendar/join_videocall/canary'), (null, 'https://meet.example.org/x')`,
  )
  const wishes = { address, productionHosts }
  const before = await database.failed(wishes)
  await database.blank(wishes)
  expect(await database.failed(wishes)).toEqual([])
  expect(before).toEqual(
    expect.arrayContaining([
      'web.base.url is the copy’s own',
      'web.base.url.freeze is the copy’s own',
      'report.url is the copy’s own address',
      'no website has an address of its own',
      'no website takes its files from a content delivery network',
      'no stored address leads to production',
      'no meeting is held at production',
    ]),
  )
  expect(await settings()).toMatchObject({
    'web.base.url': address,
    'web.base.url.freeze': 'True',
    'report.url': address,
    'shop.returns': `see ${address}/returns and ${address}`,
    'shop.socket': 'wss://main.shop.staging.example.net:8443/websocket',
    'shop.other': 'https://shop.example.com.example.net/ https://notshop.example.com http://shopXexample.com',
    'mail.catchall.domain': 'shop.example.com',
  })
  expect(await database.rowsOf('select domain, cdn_activated from website')).toEqual([
    { domain: null, cdn_activated: false },
  ])
  expect((await database.rowsOf<{ url: string }>('select url from ir_act_url order by id'))[0]?.url).toBe(
    `${address}/help#a`,
  )
  expect(await database.rowsOf(`select body_html->>'de_DE' as text from mail_template`)).toEqual([
    { text: `<a href="${address}/\u00fc">` },
  ])
  const [meeting, elsewhere] = await database.rowsOf<{ access_token: string; videocall_location: string }>(
    'select access_token, videocall_location from calendar_event order by id',
  )
  expect(meeting?.videocall_location).toBe(`${address}/calendar/join_videocall/${meeting?.access_token}`)
  expect(elsewhere?.videocall_location).toBe('https://meet.example.org/x')
})

test('production is found by its name in letters and as browsers write it, whichever it gave', async () => {
  const written = [
    'https://münchen.example/a',
    'HTTPS://MÜNCHEN.EXAMPLE/a',
    'https://xn--mnchen-3ya.example/a',
    'https://xn--bcher-kva.example/a',
    'https://user@Bücher.example/a',
    'https://b%C3%BCcher.example/a',
    `https://${'bücher.example'.normalize('NFD')}/a`,
    '{"back": "https://b\\u00fccher.example/a"}',
  ]
  const others = ['https://munchen.example/', 'https://münchen.example.net/', 'https://xn--bcher-kva.org/']
  const values = [...written, ...others].map((url) => `('${url}')`).join(', ')
  await database.asOdoo(
    'create table ir_act_url (id serial primary key, url text)',
    `insert into ir_act_url (url) values ${values}`,
  )
  // As rememberProduction keeps it, whichever form the settings have.
  const wishes = {
    address,
    productionHosts: ['https://münchen.example', 'xn--bcher-kva.example'].flatMap(findHost),
  }
  expect(await database.failed(wishes)).toContain('no stored address leads to production')
  await database.blank(wishes)
  expect(await database.failed(wishes)).toEqual([])
  const urls = await database.rowsOf<{ url: string }>('select url from ir_act_url order by id')
  expect(urls.map(({ url }) => url)).toEqual([
    ...written.map((url) => (url.startsWith('{') ? `{"back": "${address}/a"}` : `${address}/a`)),
    ...others,
  ])
})

test('a copy that nobody visits leads to itself alone', async () => {
  await database.asOdoo(
    `insert into ir_config_parameter (key, value) values ('web.base.url.freeze', 'True'), ('report.url', 'http://127.0.0.1:8069')`,
  )
  const wishes = { productionHosts }
  await database.blank(wishes)
  expect(await database.failed(wishes)).toEqual([])
  expect(await settings()).toMatchObject({
    'web.base.url': 'http://localhost:8069',
    'web.base.url.freeze': '',
    'report.url': 'http://127.0.0.1:8069',
  })
})

test('links into conversations and surveys are new ones', async () => {
  await database.asOdoo(
    'create table discuss_channel (id serial primary key, uuid varchar unique, sfu_channel_uuid varchar)',
    `insert into discuss_channel (uuid, sfu_channel_uuid) values ('canary1', 'canary'), ('canary2', null)`,
    'create table survey_survey (id serial primary key, access_token varchar, session_code varchar unique)',
    `insert into survey_survey (access_token, session_code) values ('canary', '4711')`,
    'create table survey_user_input (id serial primary key, access_token varchar not null, invite_token varchar)',
    `insert into survey_user_input (access_token, invite_token) values ('a', 'one'), ('b', 'one'), ('c', 'two'), ('d', null)`,
  )
  expect(await database.failed()).toContain('no link opens a document of production')
  await database.blank()
  expect(await database.failed()).toEqual([])
  expect(await database.rowsOf(`select from discuss_channel where uuid like 'fairway%'`)).toHaveLength(2)
  const answers = await database.rowsOf<{ invite_token: string | null }>(
    'select invite_token from survey_user_input order by id',
  )
  const [first, second, third, fourth] = answers.map((row) => row.invite_token)
  expect(first).toMatch(/^fairway[0-9a-f]{25}$/)
  expect(second).toBe(first)
  expect(third).not.toBe(first)
  expect(fourth).toBeNull()
})

test('a queue that nobody knows is named by its module, field and state, unless the module sees to it', async () => {
  await database.asOdoo(
    'create table ir_module_module (name varchar, state varchar)',
    `insert into ir_module_module values ('shop', 'installed'), ('gone', 'uninstalled')`,
    'create table ir_model (id serial primary key, transient boolean)',
    'insert into ir_model (transient) values (false)',
    `create table ir_model_fields (id serial primary key, model varchar, model_id int, name varchar, store boolean, ttype varchar)`,
    `insert into ir_model_fields (model, model_id, name, store, ttype) select model, 1, name, true, 'selection'
       from (values ('shop.outbox', 'state'), ('shop.request', 'state'), ('shop.feed', 'sync_state'), ('sms.sms', 'state')) f(model, name)`,
    'create table ir_model_fields_selection (id serial primary key, field_id int, value varchar)',
    `insert into ir_model_fields_selection (field_id, value) values
       (1, 'to_send'), (1, 'pending'), (1, 'done'), (2, 'pending'), (3, 'queued'), (3, 'done'), (4, 'outgoing')`,
    `insert into ir_model_data (module, name, model, res_id)
       select case id when 3 then 'gone' else 'shop' end, 'field_' || id, 'ir.model.fields', id from ir_model_fields`,
    `create table shop_outbox (state varchar, value varchar); insert into shop_outbox values ('pending', 'to_send'), ('done', '')`,
    `create table shop_request (state varchar); insert into shop_request values ('pending')`,
    `create table shop_feed (sync_state varchar); insert into shop_feed values ('queued')`,
    `create table sms_sms (state varchar); insert into sms_sms values ('outgoing')`,
  )
  const uncovered = (covered: string[]) => database.ask((gate) => findUncovered(gate, new Set(covered)))
  expect(await uncovered([])).toEqual([{ module: 'shop', holds: ['shop.outbox.state = pending'] }])
  expect(await uncovered(['shop'])).toEqual([])
})
