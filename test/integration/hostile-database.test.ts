import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { postgresName } from '../../agent/containers/postgres.ts'
import { type HostileDatabase, withHostileDatabase } from '../../agent/database/hostile-database.ts'
import { DATABASE } from '../../agent/database/names.ts'
import { lookUpOdooTables } from '../../agent/database/odoo-tables.ts'
import { connectOwn, ownSettings } from '../../agent/database/own-session.ts'
import { assertNeutral } from '../../agent/neutralize/assertions.ts'
import { findUncovered } from '../../agent/neutralize/coverage.ts'
import { readModuleStates } from '../../agent/odoo/installed-modules.ts'
import type { Cell } from '../../agent/storage/records.ts'
import { createRig, LIMITS, POSTGRES_IMAGE, type StorageRig } from '../support/storage.ts'
import { connectSuperuser, withSuperuser } from '../support/superuser.ts'
import { createTask } from '../support/task-context.ts'

// A tenant's code has all the rights of Odoo's role in its own database. What it leaves there is asked by us.

let rig: StorageRig
let cell: Cell

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
  await asTenant(
    `create table ir_module_module (name text, state text);
     insert into ir_module_module values ('base', 'installed'), ('shop', 'uninstalled');
     create table ir_config_parameter (id serial, key text, value text);
     insert into ir_config_parameter (key, value) values ('database.is_neutralized', 'true');
     create table ir_mail_server (id serial, name text, smtp_host text, active boolean);
     insert into ir_mail_server (name, smtp_host, active) values ('dummy', 'invalid', true);
     create table ir_cron (id serial, active boolean);
     create table ir_model_data (module text, name text, model text, res_id int);
     create table ir_model_fields (id serial, model text, model_id int, name text, store boolean, ttype text);
     create table ir_model (id serial, transient boolean);`,
  )
  await withSuperuser(cell, (client) => client.query('create database pristine template odoo'))
}, 120_000)

afterAll(() => rig?.remove(), 60_000)

beforeEach(async () => {
  await withSuperuser(cell, async (client) => {
    await client.query('drop database odoo with (force)')
    await client.query('create database odoo template pristine owner odoo')
    await client.query('alter role odoo reset all')
  })
})

/** Runs statements as the tenant's own role, one after the other. */
async function asTenant(...texts: string[]): Promise<void> {
  const client = await connectTenant()
  try {
    for (const text of texts) await client.query(text)
  } finally {
    await client.end()
  }
}
async function connectTenant(): Promise<pg.Client> {
  const { user, password, database } = await rig.cells.connection(cell)
  const inspected = await rig.host.docker.getContainer(postgresName(cell.id)).inspect()
  const [network] = Object.values(inspected.NetworkSettings.Networks)
  const client = new pg.Client({ host: network?.IPAddress ?? '', user, password, database })
  await client.connect()
  return client
}
const ask = <T>(use: (database: HostileDatabase) => Promise<T>, options = {}) =>
  withHostileDatabase(cell, use, options)
const wishes = { passwords: 'disable', secretSha256: undefined } as const
const proof = () => ask((database) => assertNeutral(database, wishes))
const failed = async () => (await proof()).filter(({ passed }) => !passed).map(({ name }) => name)

/** A function that takes whatever it can get as whoever calls it, and tells it in a table if it may. */
const steal = `create function public.steal() returns boolean language plpgsql immutable as $$
  begin
    begin copy (select 1) to program 'touch /var/lib/fairway/data/stolen'; exception when others then null; end;
    begin insert into public.stolen values (current_user); exception when others then null; end;
    begin perform set_config('search_path', 'public', false); exception when others then null; end;
    begin perform set_config('default_transaction_read_only', 'off', false); exception when others then null; end;
    begin perform set_config('statement_timeout', '0', false); exception when others then null; end;
    return true;
  end $$;
  create table public.stolen (by text)`
async function expectNothingStolen(): Promise<void> {
  expect(existsSync(join(cell.paths.data, 'stolen'))).toBe(false)
  const { rows } = await withSuperuser(cell, (client) => client.query('select * from public.stolen'), {
    database: DATABASE,
  })
  expect(rows).toEqual([])
}

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
  await expectNothingStolen()
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
  await expectNothingStolen()
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
  await expectNothingStolen()
})

test('our role can do nothing but read, whoever’s code runs in its name', async () => {
  const attempts = [
    `copy (select 1) to program 'true'`,
    `copy (select 1) to '/tmp/x'`,
    'set role odoo',
    'set role postgres',
    'set session authorization postgres',
    'create table public.t (a int)',
    'create schema s',
    `select pg_read_file('/etc/passwd')`,
    `select lo_import('/etc/passwd')`,
    `update public.ir_mail_server set active = false`,
    `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'odoo'`,
    'alter role fairway_reader superuser',
    'grant odoo to fairway_reader',
    'alter system set archive_command = $$true$$',
    'checkpoint',
  ]
  const tenant = await connectTenant()
  try {
    for (const attempt of attempts) {
      const client = await connectOwn(cell, 'fairway_reader', ownSettings(cell))
      try {
        await expect(client.query(attempt), attempt).rejects.toThrow(
          /permission denied|must be|only roles|cannot|PUBLIC|not a member|denied/,
        )
      } finally {
        await client.end()
      }
    }
    await tenant.query('select 1')
  } finally {
    await tenant.end()
  }
})

test('a dump is made by the role that only reads, whatever the database would have the superuser run', async () => {
  await asTenant(
    steal,
    `create index trap on ir_module_module ((steal() or name = 'base'));
     select lo_from_bytea(0, 'large'); truncate stolen`,
    'alter database odoo set local_preload_libraries = nothing',
    'revoke all on all tables in schema public from public',
    'alter table ir_cron enable row level security',
    'alter table ir_cron force row level security',
  )
  const dump = await rig.cells.dump({ id: randomUUID(), cellId: cell.id }, createTask().context)
  expect(dump.database.files).toBeGreaterThan(5)
  await rig.cells.destroyDump(dump.id, rig.step)
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

test('a cell of a time before our roles, or whose owner shut them out, lets them in by itself', async () => {
  const rules = await readFile(join(cell.paths.data, 'pg_hba.conf'), 'utf8')
  await writeFile(
    join(cell.paths.data, 'pg_hba.conf'),
    rules
      .split('\n')
      .filter((line) => !line.includes('fairway_'))
      .join('\n'),
  )
  await withSuperuser(cell, (client) => client.query('drop owned by fairway_reader, fairway_writer'))
  await withSuperuser(
    cell,
    async (client) => {
      await client.query('drop owned by fairway_reader, fairway_writer')
      await client.query('drop role fairway_reader, fairway_writer')
      await client.query('select pg_reload_conf()')
    },
    { database: DATABASE },
  )
  expect((await ask(readModuleStates)).installed).toEqual(['base'])
  await asTenant('revoke connect on database odoo from public, fairway_reader')
  expect((await ask(readModuleStates)).installed).toEqual(['base'])
})

test('a role that was made more than it may be is itself again on a clone', async () => {
  await withSuperuser(cell, (client) =>
    client.query(
      `alter role fairway_reader superuser; grant pg_execute_server_program to fairway_reader, odoo;
       grant fairway_reader to odoo; alter role fairway_reader in database odoo set search_path = public`,
    ),
  )
  const { cell: clone } = await rig.cells.clone(
    {
      id: randomUUID(),
      environmentId: randomUUID(),
      stage: 'staging',
      from: { kind: 'cell', id: cell.id },
      limits: LIMITS,
    },
    rig.step,
  )
  const { rows } = await withSuperuser(clone, (client) =>
    client.query(
      `select r.rolname, r.rolsuper, array(select g.rolname::text from pg_auth_members a join pg_roles g on g.oid = a.roleid
          where a.member = r.oid order by 1) as groups,
          (select count(*)::int from pg_db_role_setting s where s.setrole = r.oid and s.setdatabase <> 0) as settings
         from pg_roles r where r.rolname in ('odoo', 'fairway_reader') order by 1`,
    ),
  )
  expect(rows).toEqual([
    {
      rolname: 'fairway_reader',
      rolsuper: false,
      groups: ['pg_read_all_data', 'pg_read_all_stats'],
      settings: 0,
    },
    { rolname: 'odoo', rolsuper: false, groups: [], settings: 0 },
  ])
  await rig.cells.destroy(clone.id, false, rig.step)
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
  await expectNothingStolen()
})

test('the superuser never enters the tenant’s database while a cell is cloned, sealed or snapshotted', async () => {
  // A setting that only works on whoever connects to that database: it would end the superuser's session at its start.
  await asTenant('alter database odoo set local_preload_libraries = nothing')
  await expect(connectSuperuser(cell, { database: DATABASE })).rejects.toThrow(/nothing/)
  const { cell: clone } = await rig.cells.clone(
    {
      id: randomUUID(),
      environmentId: randomUUID(),
      stage: 'staging',
      from: { kind: 'cell', id: cell.id },
      limits: LIMITS,
    },
    rig.step,
  )
  await rig.cells.destroy(clone.id, false, rig.step)
})
