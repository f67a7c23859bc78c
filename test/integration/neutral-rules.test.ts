import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { withHostileDatabase } from '../../agent/database/hostile-database.ts'
import { DATABASE } from '../../agent/database/names.ts'
import { assertNeutral } from '../../agent/neutralize/assertions.ts'
import { blankCredentials } from '../../agent/neutralize/blank.ts'
import type { Wishes } from '../../agent/neutralize/rule.ts'
import type { Cell } from '../../agent/storage/records.ts'
import { createRig, LIMITS, POSTGRES_IMAGE, type StorageRig } from '../support/storage.ts'
import { withSuperuser } from '../support/superuser.ts'

// Tables of modules and series that no image here has, as Odoo 14 to 19 lay them out; a canary in each column that is to be
// blanked, and `stays` where something must not be lost. And what a hostile database does about it.

/** Table → column → type. Canaries go into columns whose type ends with `!`. */
const tables: Record<string, Record<string, string>> = {
  ir_model_data: { module: 'varchar', name: 'varchar', model: 'varchar', res_id: 'int' },
  ir_config_parameter: { key: 'varchar unique', value: 'text not null' },
  res_users: {
    login: 'varchar',
    password: 'varchar!',
    totp_secret: 'varchar!',
    oauth_access_token: 'varchar!',
    google_calendar_rtoken: 'varchar!',
  },
  res_users_apikeys: { name: 'varchar', key: 'varchar!' },
  auth_totp_device: { name: 'varchar', key: 'varchar!' },
  auth_passkey_key: { credential_identifier: 'varchar! not null unique' },
  res_partner: { name: 'varchar', signup_token: 'varchar!', signup_type: 'varchar!' },
  ir_mail_server: {
    name: 'varchar',
    active: 'boolean',
    smtp_host: 'varchar! not null',
    smtp_port: 'int',
    smtp_encryption: 'varchar',
    smtp_user: 'varchar!',
    smtp_pass: 'varchar!',
    smtp_ssl_private_key: 'bytea!',
    google_gmail_refresh_token: 'varchar!',
    microsoft_outlook_access_token: 'varchar!',
  },
  fetchmail_server: {
    name: 'varchar',
    active: 'boolean',
    server: 'varchar!',
    user: 'varchar!',
    password: 'varchar!',
    google_gmail_authorization_code: 'varchar!',
  },
  payment_provider: {
    code: 'varchar',
    state: 'varchar',
    stripe_secret_key: 'varchar!',
    stripe_publishable_key: 'varchar!',
    stripe_webhook_secret: 'varchar!',
    adyen_merchant_account: 'varchar!',
    adyen_hmac_key: 'varchar!',
    authorize_login: 'varchar!',
    xendit_secret_key: 'varchar! not null',
    allow_tokenization: 'boolean',
  },
  payment_acquirer: {
    provider: 'varchar',
    state: 'varchar',
    ogone_pspid: 'varchar!',
    ogone_shakey_in: 'varchar',
    paypal_email_account: 'varchar!',
    paypal_pdt_token: 'varchar!',
    sips_secret: 'varchar!',
  },
  payment_token: {
    name: 'varchar',
    provider_ref: 'varchar! not null',
    adyen_shopper_reference: 'varchar!',
    stripe_mandate: 'varchar!',
  },
  pos_payment_method: {
    name: 'jsonb',
    adyen_api_key: 'varchar!',
    mp_bearer_token: 'varchar!',
    viva_com_client_secret: 'varchar!',
  },
  auth_oauth_provider: {
    name: 'varchar',
    enabled: 'boolean',
    client_id: 'varchar!',
    client_secret: 'varchar!',
  },
  res_company_ldap: { ldap_server: 'varchar', ldap_password: 'varchar!' },
  iap_account: { service_name: 'varchar', account_token: 'varchar!' },
  account_edi_proxy_client_user: {
    edi_mode: 'varchar',
    proxy_type: 'varchar',
    refresh_token: 'varchar!',
    private_key: 'bytea!',
    id_client: 'varchar',
  },
  certificate_key: { name: 'varchar', password: 'varchar!', content: 'bytea!', pem_key: 'bytea!' },
  res_company: {
    name: 'varchar',
    l10n_in_edi_password: 'varchar!',
    l10n_in_edi_username: 'varchar!',
    l10n_pl_edi_session_key: 'bytea!',
    sms_twilio_auth_token: 'varchar!',
    gelato_api_key: 'varchar!',
    l10n_tw_edi_ecpay_hashkey: 'varchar!',
    l10n_tw_edi_ecpay_hashIV: 'varchar!',
    l10n_gr_edi_aade_key: 'varchar!',
    account_peppol_migration_key: 'varchar!',
    attendance_kiosk_key: 'varchar! not null',
  },
  ir_ui_view: { name: 'varchar', visibility_password: 'varchar!' },
  website: { name: 'varchar', google_maps_api_key: 'varchar!' },
  google_calendar_credentials: { calendar_token: 'varchar!', calendar_rtoken: 'varchar!' },
  res_users_settings: {
    user_id: 'int',
    google_calendar_token: 'varchar!',
    microsoft_calendar_sync_token: 'varchar!',
  },
  mail_message: { subject: 'varchar', body: 'text!' },
  mail_mail: { state: 'varchar', mail_message_id: 'int', body_html: 'text!' },
  hr_employee: { name: 'varchar', pin: 'varchar!' },
  mail_partner_device: { endpoint: 'varchar!', keys: 'varchar!' },
  ir_act_server: { state: 'varchar', webhook_url: 'varchar!' },
  base_automation: { webhook_uuid: 'varchar!' },
  delivery_carrier: {
    name: 'jsonb',
    active: 'boolean',
    delivery_type: 'varchar',
    prod_environment: 'boolean',
    ups_passwd: 'varchar!',
    fedex_developer_key: 'varchar!',
    dhl_SiteID: 'varchar',
  },
  ir_cron: { active: 'boolean' },
  sale_order: { name: 'varchar', access_token: 'varchar!' },
  website_visitor: { name: 'varchar', access_token: 'varchar! not null unique' },
  fs_storage: { name: 'varchar', options: 'jsonb!' },
  res_config_settings: { google_gmail_client_secret: 'varchar!' },
}
const canary = 'canary'
const sampleOf = (type: string): string => {
  if (type.startsWith('bytea')) return `'${canary}'::bytea`
  if (type.startsWith('jsonb'))
    return type.includes('!') ? `'{"secret": "${canary}"}'` : `'{"en_US": "stays"}'`
  if (type.startsWith('boolean')) return 'true'
  if (type.startsWith('int')) return '1'
  return type.includes('!') ? `'${canary}'` : `'stays'`
}
const parameters: [key: string, value: string, kept?: true][] = [
  ['database.secret', canary],
  ['database.uuid', canary],
  ['website_profile.uuid', canary],
  ['database.enterprise_code', canary],
  ['mail.web_push_vapid_private_key', canary],
  ['cloud_storage_azure_client_secret', canary],
  ['google_gmail_client_secret', canary],
  ['recaptcha_private_key', canary],
  ['shop.sms', 'https://user:canary@sms.example.com/'],
  ['shop.certificate', '-----BEGIN RSA PRIVATE KEY-----canary'],
  ['password.hashing.rounds', '600000', true],
  ['auth_password_policy.minlength', '12', true],
  ['portal.allow_api_keys', 'True', true],
  ['web.base.url', 'https://shop.example.com', true],
]

let rig: StorageRig
let cell: Cell
let pristine: string
const never = new AbortController().signal
const wishes: Wishes = { passwords: 'disable', secretSha256: undefined }

beforeAll(async () => {
  rig = await createRig('reflink')
  cell = await rig.cells.create(
    {
      id: randomUUID(),
      environmentId: randomUUID(),
      stage: 'staging',
      postgresImage: POSTGRES_IMAGE,
      limits: LIMITS,
    },
    rig.step,
  )
  const made = Object.entries(tables).map(([table, columns]) => {
    const names = Object.keys(columns).map((name) => `"${name}"`)
    const types = Object.entries(columns).map(([name, type]) => `"${name}" ${type.replace('!', '')}`)
    const values = Object.values(columns).map(sampleOf)
    const row = table === 'ir_config_parameter' ? '' : `insert into ${table} (${names}) values (${values});`
    return `create table ${table} (id serial primary key, ${types}); ${row}`
  })
  const settings = parameters.map(([key, value]) => `('${key}', '${value}')`)
  await asOdoo(
    ...made,
    `insert into ir_config_parameter (key, value) values ${settings}`,
    `insert into ir_model_data (module, name, model, res_id) values ('base', 'user_admin', 'res.users', 1)`,
    `insert into ir_act_server (state, webhook_url) values ('code', null)`,
    `update mail_message set body = '<a href="https://shop.example.com/web/reset_password?token=canary">'`,
    `update mail_mail set state = 'exception', mail_message_id = 1`,
    `insert into mail_message (subject, body) values ('sent', 'https://shop.example.com/?token=of a note')`,
    `insert into mail_mail (state, mail_message_id, body_html) values ('sent', 2, 'kept')`,
  )
  const step = { id: randomUUID(), cellId: cell.id, purpose: 'pristine', quiesce: true }
  pristine = (await rig.cells.snapshot(step, rig.step)).id
}, 120_000)
afterAll(() => rig?.remove(), 60_000)
beforeEach(async () => {
  await rig.cells.restore(cell.id, pristine, rig.step)
}, 60_000)

/** Statements with the rights of Odoo's role, as a tenant's code has them. */
const asOdoo = (...texts: string[]) =>
  withSuperuser(
    cell,
    async (client) => {
      await client.query('set role odoo')
      for (const text of texts) await client.query(text)
    },
    { database: DATABASE },
  )
const rowsOf = <R extends object>(text: string) =>
  withSuperuser(cell, async (client) => (await client.query<R>(text)).rows, { database: DATABASE })
const failed = async () =>
  (await withHostileDatabase(cell, (database) => assertNeutral(database, wishes), { signal: never }))
    .filter(({ passed }) => !passed)
    .map(({ name }) => name)

/** `table.column` of all that still holds a canary. */
async function remaining(): Promise<string[]> {
  const found: string[] = []
  for (const [table, columns] of Object.entries(tables))
    for (const [column, type] of Object.entries(columns)) {
      const text = type.startsWith('bytea') ? `convert_from("${column}", 'UTF8')` : `"${column}"::text`
      const [row] = await rowsOf(`select from ${table} where strpos(${text}, '${canary}') > 0 limit 1`)
      if (row) found.push(`${table}.${column}`)
    }
  return found
}

/** `table.column` of all whose statistics, which the tables' owner may read, hold a canary. */
async function remembered(): Promise<string[]> {
  const rows = await rowsOf<{ item: string }>(
    `select tablename || '.' || attname as item from pg_stats
      where schemaname = 'public' and tablename <> 'loot'
        and strpos(concat(most_common_vals::text, histogram_bounds::text, most_common_elems::text), '${canary}') > 0`,
  )
  return rows.map(({ item }) => item).sort()
}

test('every column that holds a credential is blanked, whatever series it is of, and nothing else is', async () => {
  expect(await failed()).not.toEqual([])
  await blankCredentials(cell, wishes, undefined, never)
  expect(await remaining()).toEqual([])
  expect(await failed()).toEqual([])
  const kept = await rowsOf<{ key: string; value: string }>('select key, value from ir_config_parameter')
  for (const [key, value, stays] of parameters)
    if (stays) expect(kept.find((row) => row.key === key)?.value).toBe(value)
  expect(await rowsOf('select name, smtp_host, active from ir_mail_server order by id')).toEqual([
    { name: 'stays', smtp_host: 'invalid', active: false },
    { name: 'neutralization - disable emails', smtp_host: 'invalid', active: true },
  ])
  expect(await rowsOf('select code, state, allow_tokenization from payment_provider')).toEqual([
    { code: 'stays', state: 'disabled', allow_tokenization: true },
  ])
  expect(await rowsOf('select state, body_html from mail_mail order by id')).toEqual([
    { state: 'cancel', body_html: null },
    { state: 'sent', body_html: 'kept' },
  ])
  expect(await rowsOf('select body from mail_message order by id')).toEqual([
    { body: '' },
    { body: 'https://shop.example.com/?token=of a note' },
  ])
  const [visitor] = await rowsOf<{ access_token: string }>('select access_token from website_visitor')
  expect(visitor?.access_token).toMatch(/^fairway[0-9a-f]{25}$/)
  expect((await rowsOf<{ name: string }>('select name from sale_order'))[0]?.name).toBe('stays')
})

test('company-dependent fields of before 18, histories and files of fields go by the names of their fields', async () => {
  await asOdoo(
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
  expect(await failed()).toEqual(
    expect.arrayContaining([
      'no credential in a company-dependent field',
      'no credential in the history of a record',
      'no file of a private key',
    ]),
  )
  await blankCredentials(cell, wishes, undefined, never)
  expect(await rowsOf('select value_text, value_binary from ir_property order by name')).toEqual([
    { value_text: 'stays', value_binary: null },
    { value_text: null, value_binary: null },
  ])
  expect(await rowsOf('select old_value_char, new_value_text from mail_tracking_value order by id')).toEqual([
    { old_value_char: null, new_value_text: null },
    { old_value_char: 'stays', new_value_text: '' },
  ])
  expect(
    await rowsOf(`select convert_from(db_datas, 'UTF8') as data from ir_attachment order by id`),
  ).toEqual([{ data: null }, { data: 'stays' }, { data: 'stays' }])
  expect(await failed()).toEqual([])
})

test('what PostgreSQL remembers of values for its planner goes with the values', async () => {
  await asOdoo('create view passkeys as select credential_identifier from auth_passkey_key', 'analyze')
  expect(await remembered()).toContain('ir_config_parameter.value')
  // What others took away, as production's own neutralization does, is remembered as well.
  await asOdoo(`update ir_config_parameter set value = 'gone' where value = '${canary}'`)
  expect(await failed()).toContain('no value of production in the planner’s statistics')
  await blankCredentials(cell, wishes, undefined, never)
  expect(await remembered()).toEqual([])
  expect(await failed()).toEqual([])
})

test('a table’s name is a name, whatever is in it', async () => {
  const name = `a"'$fairway$;--\\ $$`
  const quoted = `"${name.replaceAll('"', '""')}"`
  await asOdoo(
    `create table ${quoted} (access_token varchar)`,
    `insert into ${quoted} values ('canary'), ('canary2')`,
    `analyze ${quoted}`,
  )
  await blankCredentials(cell, wishes, undefined, never)
  expect(await rowsOf(`select from ${quoted} where access_token like 'fairway%'`)).toHaveLength(2)
  await asOdoo(`delete from ${quoted}`)
  expect(await failed()).toEqual(['no value of production in the planner’s statistics'])
  await blankCredentials(cell, wishes, undefined, never)
  expect(await failed()).toEqual([])
})

test('again changes nothing but what is random', async () => {
  await blankCredentials(cell, wishes, undefined, never)
  await blankCredentials(cell, wishes, undefined, never)
  expect(await failed()).toEqual([])
  expect(await rowsOf('select from ir_mail_server')).toHaveLength(2)
})

test('passwords stay where the policy keeps them, and the administrator alone gets one where it resets them', async () => {
  await blankCredentials(cell, { ...wishes, passwords: 'keep' }, undefined, never)
  expect(await remaining()).toEqual(['res_users.password', 'hr_employee.pin'])
  await asOdoo(`insert into res_users (login, password) values ('ann', 'canary')`)
  expect(await blankCredentials(cell, { ...wishes, passwords: 'reset' }, '$hash$', never)).toBe('stays')
  expect(await rowsOf('select id, password from res_users order by id')).toEqual([
    { id: 1, password: '$hash$' },
    { id: 2, password: null },
  ])
})

const thief = `create table loot (what text);
  create function take() returns trigger language plpgsql as $$
    begin insert into loot values (old::text || ' as ' || current_user); return old; end $$`

test('a trigger neither sees what goes nor keeps it', async () => {
  await asOdoo(thief, 'create trigger t before update on res_users for each row execute function take()')
  await blankCredentials(cell, wishes, undefined, never)
  expect(await rowsOf('select from loot')).toEqual([])
  expect(await remaining()).toEqual([])
})

test('a trigger that fires all the same is refused by name, and nothing is half done', async () => {
  await asOdoo(
    thief,
    'create trigger t before update on res_users for each row execute function take()',
    'alter table res_users enable always trigger t',
  )
  await expect(blankCredentials(cell, wishes, undefined, never)).rejects.toMatchObject({
    reason: 'database-hostile',
    message: expect.stringContaining('trigger "t" on "res_users"'),
  })
  expect((await remaining()).length).toBeGreaterThan(50)
})

test.each([
  ['a view', 'alter table res_users rename to people; create view res_users as select * from people'],
  ['rules', 'create rule r as on update to res_users do instead nothing'],
  ['row-level security', 'alter table res_users enable row level security'],
  [
    'a generated column',
    `alter table res_users drop column password; alter table res_users add password varchar generated always as ('canary') stored`,
  ],
])('%s in a table’s place is refused, not passed by', async (_, attack) => {
  await asOdoo(attack)
  await expect(blankCredentials(cell, wishes, undefined, never)).rejects.toMatchObject({
    reason: 'database-hostile',
  })
  await expect(failed()).rejects.toMatchObject({ reason: 'database-hostile' })
})

test('what runs in our name has the rights of Odoo’s role and no more', async () => {
  await asOdoo(
    'create table loot (what text)',
    `create function take(text) returns boolean language plpgsql immutable as $$
       begin
         begin execute 'copy (select 1) to program ''true'''; insert into loot values ('program'); exception when others then null; end;
         begin execute 'set session_replication_role = origin'; insert into loot values ('triggers'); exception when others then null; end;
         begin execute 'set role postgres'; insert into loot values ('postgres'); exception when others then null; end;
         begin execute 'alter role odoo superuser'; insert into loot values ('superuser'); exception when others then null; end;
         begin perform set_config('search_path', 'public, pg_catalog', false); exception when others then null; end;
         return true;
       end $$`,
    `create function public.gen_random_uuid() returns uuid language sql as $$ select '00000000-0000-0000-0000-000000000000'::uuid $$`,
    'create index trap on ir_config_parameter ((take(value)))',
    'truncate loot',
  )
  await blankCredentials(cell, wishes, undefined, never)
  expect(await rowsOf('select what from loot')).toEqual([])
  const [secret] = await rowsOf<{ value: string }>(
    `select value from ir_config_parameter where key = 'database.secret'`,
  )
  expect(secret?.value).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/)
  expect(await remaining()).toEqual([])
})
