import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { DATABASE } from '../../agent/database/names.ts'
import { lookUpOdooTables } from '../../agent/database/odoo-tables.ts'
import { assertNeutral } from '../../agent/neutralize/assertions.ts'
import { findUncovered } from '../../agent/neutralize/coverage.ts'
import { readModuleStates } from '../../agent/odoo/installed-modules.ts'
import { withSuperuser } from '../support/superuser.ts'
import { createTenantDatabase, steal, type TenantDatabase } from '../support/tenant-database.ts'

// A tenant's code has all the rights of Odoo's role in its own database. What it leaves there is asked by us.

let tenant: TenantDatabase
let cell: TenantDatabase['cell']
let asTenant: TenantDatabase['asTenant']
let ask: TenantDatabase['ask']
let loot: TenantDatabase['loot']
beforeAll(async () => {
  tenant = await createTenantDatabase()
  ;({ cell, asTenant, ask, loot } = tenant)
}, 120_000)
afterAll(() => tenant?.rig.remove(), 60_000)
beforeEach(() => tenant.reset())

const wishes = { passwords: 'disable', secretSha256: undefined } as const
const proof = () => ask((database) => assertNeutral(database, wishes))
const failed = async () => (await proof()).filter(({ passed }) => !passed).map(({ name }) => name)

test('a clean database answers', async () => {
  const modules = await ask(readModuleStates)
  expect(modules.installed).toEqual(['base'])
  expect(() => modules.requireInstalled(['base', 'shop'])).toThrow(/shop \(uninstalled\)/)
  expect(await failed()).toEqual([])
})

test('a view in place of the list of modules is refused by name, and its function never runs', async () => {
  await asTenant(
    steal,
    `alter table ir_module_module rename to real_modules;
     create view ir_module_module as select name, 'installed'::text as state from real_modules where steal()`,
  )
  await expect(ask(readModuleStates)).rejects.toMatchObject({
    reason: 'database-hostile',
    message: expect.stringMatching(/"ir_module_module" is a view, not a table/),
  })
  expect(await loot()).toEqual([])
})

test('the server itself refuses a view that took the table’s place after we looked', async () => {
  await asTenant(steal)
  await expect(
    ask(async (database) => {
      const tables = await lookUpOdooTables(database, ['ir_module_module'])
      await asTenant(
        `alter table ir_module_module rename to real_modules;
         create view ir_module_module as select name, 'installed'::text as state from real_modules where steal()`,
      )
      return database.query(`select name from ${tables.require('ir_module_module')}`)
    }),
  ).rejects.toThrow(/access to non-system view/)
  expect(await loot()).toEqual([])
})

test('a table that stands before public in Odoo’s search path is refused', async () => {
  await asTenant(
    `create schema odoo; create table odoo.ir_mail_server (like public.ir_mail_server);
     insert into odoo.ir_mail_server values (1, 'live', 'smtp.example.com', true)`,
  )
  await expect(proof()).rejects.toMatchObject({
    reason: 'database-hostile',
    message: expect.stringMatching(/"ir_mail_server" stands in schema "odoo"/),
  })
})

test.each([
  ['alter database odoo set search_path = shadow, public', 'search_path'],
  ['alter role odoo set search_path = shadow, public', 'search_path'],
  ['alter role odoo in database odoo set search_path = shadow, public', 'search_path'],
  ['alter database odoo set local_preload_libraries = nothing', 'local_preload_libraries'],
  ['alter database odoo set transform_null_equals = on', 'transform_null_equals'],
])('%s is refused: Odoo would read something else', async (statement, setting) => {
  await asTenant('create schema shadow', statement)
  await expect(proof()).rejects.toMatchObject({
    reason: 'database-hostile',
    message: expect.stringContaining(JSON.stringify(setting)),
  })
})

test.each([
  ['row-level security', 'alter table ir_mail_server enable row level security'],
  [
    'row-level security',
    `create policy hidden on ir_mail_server using (smtp_host = 'invalid' or current_user = 'odoo')`,
  ],
  ['rules', 'create rule kept as on update to ir_mail_server do instead nothing'],
  ['inheritance', 'create table more () inherits (ir_mail_server)'],
])('a live mail server behind %s is refused, not overlooked', async (flaw, statement) => {
  await asTenant(
    `insert into ir_mail_server (name, smtp_host, active) values ('live', 'smtp.example.com', true)`,
    statement,
  )
  await expect(proof()).rejects.toMatchObject({
    reason: 'database-hostile',
    message: expect.stringMatching(new RegExp(`"ir_mail_server" .*${flaw}`)),
  })
})

test.each([
  ['type', 'alter column smtp_host type own using smtp_host::own', `create domain own as text`],
  [
    'type',
    'alter column smtp_host type own using smtp_host::own',
    `create type own as enum ('invalid', 'smtp.example.com');
     create function as_text(own) returns text language sql immutable as $$ select 'invalid' $$;
     create cast (own as text) with function as_text(own) as implicit`,
  ],
  [
    'generated',
    `drop column smtp_host, add column smtp_host text generated always as ('invalid') stored`,
    '',
  ],
  [
    'collation',
    'alter column smtp_host type text collate own',
    `create collation own (provider = icu, locale = 'und-u-ks-level1', deterministic = false)`,
  ],
])('a column of a %s of the tenant’s is refused', async (flaw, change, before) => {
  await asTenant(before, `alter table ir_mail_server ${change}`)
  await expect(proof()).rejects.toMatchObject({
    reason: 'database-hostile',
    message: expect.stringMatching(new RegExp(`column "smtp_host" of "ir_mail_server" .*${flaw}`)),
  })
})

test('operators and functions of the tenant’s do not stand in for PostgreSQL’s', async () => {
  await asTenant(
    `insert into ir_mail_server (name, smtp_host, active) values ('live', 'smtp.example.com', true);
     create function yes(text, text) returns boolean language sql immutable as 'select true';
     create operator public.= (leftarg = text, rightarg = text, function = yes);
     create operator public.<> (leftarg = text, rightarg = text, function = yes);
     create function public.lower(text) returns text language sql immutable as $$ select 'true' $$;
     create function public.count(text) returns bigint language sql immutable as 'select 0';
     update ir_config_parameter set value = 'False'`,
  )
  expect(await failed()).toEqual([
    'database is flagged as neutralized',
    'no mail server but the disabling dummy',
  ])
})

test('code that runs while a statement is planned is powerless, and changes nothing for the next one', async () => {
  await asTenant(
    steal,
    `create function public.lower(text) returns text language sql immutable as $$ select 'true' $$;
     create index trap on ir_module_module ((steal() or name = 'base'));
     create index trap2 on ir_config_parameter ((steal() or key = 'base'));
     insert into ir_mail_server (name, smtp_host, active) values ('live', 'smtp.example.com', true);
     truncate stolen`,
  )
  await withSuperuser(cell, (client) => client.query('truncate stolen'), { database: DATABASE })
  const settings = await ask(async (database) => {
    await readModuleStates(database)
    await assertNeutral(database, wishes)
    const { rows } = await database.query(
      `select current_setting('search_path') as path, current_setting('transaction_read_only') as reads,
         current_setting('statement_timeout') as limit, current_user as who`,
    )
    return rows
  })
  expect(settings).toEqual([{ path: 'pg_catalog,pg_temp', reads: 'on', limit: '30s', who: 'fairway_reader' }])
  expect(await failed()).toEqual(['no mail server but the disabling dummy'])
  expect(await loot()).toEqual([])
})

test('an event trigger at login, of a dump that a superuser restored, is refused by name', async () => {
  await withSuperuser(
    cell,
    (client) =>
      client.query(
        `create function public.at_login() returns event_trigger language plpgsql as $$
           begin perform set_config('search_path', 'shadow,public', false); end $$;
         create event trigger trap on login execute function public.at_login();
         alter event trigger trap enable always`,
      ),
    { database: DATABASE },
  )
  await expect(proof()).rejects.toMatchObject({
    reason: 'database-hostile',
    message: expect.stringContaining('event trigger "trap"'),
  })
})

test('an endless question ends, and says so', async () => {
  await asTenant(
    `create function public.endless() returns boolean language plpgsql immutable as
       $$ begin if current_user = 'fairway_reader' then perform pg_sleep(3600); end if; return true; end $$;
     create index trap on ir_module_module ((endless() or name = 'base'))`,
  )
  await expect(ask(readModuleStates, { bounds: { statementMs: 300 } })).rejects.toMatchObject({
    reason: 'database-slow',
  })
})

test('an answer of any size is cut off', async () => {
  await asTenant(
    `insert into ir_module_module select 'm' || n, 'installed' from generate_series(1, 60000) n`,
    `create table huge (content text); insert into huge select repeat('x', 100 * 1024 * 1024)`,
  )
  await expect(ask(readModuleStates)).rejects.toMatchObject({
    reason: 'database-hostile',
    message: expect.stringMatching(/more than 50000 rows/),
  })
  await expect(ask((database) => database.query('select content from public.huge'))).rejects.toMatchObject({
    reason: 'database-hostile',
    message: expect.stringMatching(/more than 64 MiB/),
  })
})

test('coverage passes over what is no table, and is not led astray by what is', async () => {
  await asTenant(
    steal,
    `insert into ir_model values (1, false);
     insert into ir_model_fields values (1, 'shop.report', 1, 'api_key', true, 'char'), (2, 'shop.key', 1, 'api_key', true, 'char');
     insert into ir_module_module values ('keys', 'installed');
     insert into ir_model_data values ('keys', 'f1', 'ir.model.fields', 1), ('keys', 'f2', 'ir.model.fields', 2);
     create view shop_report as select 'x'::text as api_key where steal();
     create table shop_key (api_key text); insert into shop_key values ('secret')`,
  )
  expect(await ask((database) => findUncovered(database, new Set()))).toEqual([
    { module: 'keys', holds: ['shop.key.api_key'] },
  ])
  expect(await loot()).toEqual([])
})
