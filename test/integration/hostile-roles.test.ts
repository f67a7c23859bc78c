import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { DATABASE } from '../../agent/database/names.ts'
import { connectOwn, ownSettings } from '../../agent/database/own-session.ts'
import { readModuleStates } from '../../agent/odoo/installed-modules.ts'
import { LIMITS } from '../support/storage.ts'
import { connectSuperuser, withSuperuser } from '../support/superuser.ts'
import { createTask } from '../support/task-context.ts'
import { createTenantDatabase, steal, type TenantDatabase } from '../support/tenant-database.ts'

// Who we are in a tenant's database: roles that can do no more than they have to, whatever was made of them.

let tenant: TenantDatabase
let rig: TenantDatabase['rig']
let cell: TenantDatabase['cell']
let asTenant: TenantDatabase['asTenant']
let connectTenant: TenantDatabase['connectTenant']
let ask: TenantDatabase['ask']
beforeAll(async () => {
  tenant = await createTenantDatabase()
  ;({ rig, cell, asTenant, connectTenant, ask } = tenant)
}, 120_000)
afterAll(() => tenant?.rig.remove(), 60_000)
beforeEach(() => tenant.reset())

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
  const odoo = await connectTenant()
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
    await odoo.query('select 1')
  } finally {
    await odoo.end()
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
