import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { postgresName } from '../../agent/containers/postgres.ts'
import {
  type GateOptions,
  type HostileDatabase,
  withHostileDatabase,
} from '../../agent/database/hostile-database.ts'
import { DATABASE } from '../../agent/database/names.ts'
import { createRig, LIMITS, POSTGRES_IMAGE } from './storage.ts'
import { withSuperuser } from './superuser.ts'

export type TenantDatabase = Awaited<ReturnType<typeof createTenantDatabase>>

/** A function that takes whatever it can get as whoever calls it, and tells it in a table if it may. */
export const steal = `create function public.steal() returns boolean language plpgsql immutable as $$
  begin
    begin copy (select 1) to program 'touch /var/lib/fairway/data/stolen'; exception when others then null; end;
    begin insert into public.stolen values (current_user); exception when others then null; end;
    begin perform set_config('search_path', 'public', false); exception when others then null; end;
    begin perform set_config('default_transaction_read_only', 'off', false); exception when others then null; end;
    begin perform set_config('statement_timeout', '0', false); exception when others then null; end;
    return true;
  end $$;
  create table public.stolen (by text)`

const tables = `create table ir_module_module (name text, state text);
  insert into ir_module_module values ('base', 'installed'), ('shop', 'uninstalled');
  create table ir_config_parameter (id serial, key text, value text);
  insert into ir_config_parameter (key, value) values ('database.is_neutralized', 'true');
  create table ir_mail_server (id serial, name text, smtp_host text, active boolean);
  insert into ir_mail_server (name, smtp_host, active) values ('dummy', 'invalid', true);
  create table ir_cron (id serial, active boolean);
  create table ir_model_data (module text, name text, model text, res_id int);
  create table ir_model_fields (id serial, model text, model_id int, name text, store boolean, ttype text);
  create table ir_model (id serial, transient boolean);`

/** A cell whose database a tenant's code has all the rights in, with the tables of Odoo that we read. */
export async function createTenantDatabase() {
  const rig = await createRig('reflink')
  const cell = await rig.cells.create(
    {
      id: randomUUID(),
      environmentId: randomUUID(),
      stage: 'staging',
      postgresImage: POSTGRES_IMAGE,
      limits: LIMITS,
    },
    rig.step,
  )
  async function connectTenant(): Promise<pg.Client> {
    const { user, password, database } = await rig.cells.connection(cell)
    const inspected = await rig.host.docker.getContainer(postgresName(cell.id)).inspect()
    const [network] = Object.values(inspected.NetworkSettings.Networks)
    const client = new pg.Client({ host: network?.IPAddress ?? '', user, password, database })
    await client.connect()
    return client
  }
  /** Runs statements as the tenant's own role, one after the other. */
  async function asTenant(...texts: string[]): Promise<void> {
    const client = await connectTenant()
    try {
      for (const text of texts) await client.query(text)
    } finally {
      await client.end()
    }
  }
  await asTenant(tables)
  await withSuperuser(cell, (client) => client.query('create database pristine template odoo'))
  return {
    rig,
    cell,
    connectTenant,
    asTenant,
    ask: <T>(use: (database: HostileDatabase) => Promise<T>, options: GateOptions = {}) =>
      withHostileDatabase(cell, use, options),
    reset: () =>
      withSuperuser(cell, async (client) => {
        await client.query('drop database odoo with (force)')
        await client.query('create database odoo template pristine owner odoo')
        await client.query('alter role odoo reset all')
      }),
    /** What `steal` got, by a file or by a row; nothing is right. */
    async loot(): Promise<unknown[]> {
      const { rows } = await withSuperuser(cell, (client) => client.query('select * from public.stolen'), {
        database: DATABASE,
      })
      return existsSync(join(cell.paths.data, 'stolen')) ? [...rows, 'a file'] : rows
    },
  }
}
