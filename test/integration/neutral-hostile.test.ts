import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createNeutralDatabase, type NeutralDatabase } from '../support/neutral-database.ts'

// What a hostile database does about its neutralization.

let database: NeutralDatabase
beforeAll(async () => {
  database = await createNeutralDatabase()
}, 120_000)
afterAll(() => database?.remove(), 60_000)
beforeEach(() => database.reset(), 60_000)

test('a table’s name is a name, whatever is in it', async () => {
  const name = `a"'$fairway$;--\\ $$`
  const quoted = `"${name.replaceAll('"', '""')}"`
  await database.asOdoo(
    `create table ${quoted} (access_token varchar)`,
    `insert into ${quoted} values ('canary'), ('canary2')`,
    `analyze ${quoted}`,
  )
  await database.blank()
  expect(await database.rowsOf(`select from ${quoted} where access_token like 'fairway%'`)).toHaveLength(2)
  await database.asOdoo(`delete from ${quoted}`)
  expect(await database.failed()).toEqual(['no value of production in the planner’s statistics'])
  await database.blank()
  expect(await database.failed()).toEqual([])
})

const thief = `create table loot (what text);
  create function take() returns trigger language plpgsql as $$
    begin insert into loot values (old::text || ' as ' || current_user); return old; end $$`

test('a trigger neither sees what goes nor keeps it', async () => {
  await database.asOdoo(
    thief,
    'create trigger t before update on res_users for each row execute function take()',
  )
  await database.blank()
  expect(await database.rowsOf('select from loot')).toEqual([])
  expect(await database.remaining()).toEqual([])
})

test('a trigger that fires all the same is refused by name, and nothing is half done', async () => {
  await database.asOdoo(
    thief,
    'create trigger t before update on res_users for each row execute function take()',
    'alter table res_users enable always trigger t',
  )
  await expect(database.blank()).rejects.toMatchObject({
    reason: 'database-hostile',
    message: expect.stringContaining('trigger "t" on "res_users"'),
  })
  expect((await database.remaining()).length).toBeGreaterThan(50)
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
  await database.asOdoo(attack)
  await expect(database.blank()).rejects.toMatchObject({
    reason: 'database-hostile',
  })
  await expect(database.failed()).rejects.toMatchObject({ reason: 'database-hostile' })
})

test('what runs in our name has the rights of Odoo’s role and no more', async () => {
  await database.asOdoo(
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
  await database.blank()
  expect(await database.rowsOf('select what from loot')).toEqual([])
  const [secret] = await database.rowsOf<{ value: string }>(
    `select value from ir_config_parameter where key = 'database.secret'`,
  )
  expect(secret?.value).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/)
  expect(await database.remaining()).toEqual([])
})

test('what PostgreSQL has against a rule names the rule, its table and its statement, and nothing is half done', async () => {
  await database.asOdoo(
    `alter table ir_mail_server add constraint "ours\u001b[31m" check (smtp_host <> 'invalid')`,
  )
  await expect(database.blank()).rejects.toMatchObject({
    reason: 'neutralize-failed',
    message: expect.stringMatching(
      /the rule “no mail server but the disabling dummy” fails on the table ir_mail_server: .*violates check constraint "ours \[31m" \(in: update public\.ir_mail_server set active = false/,
    ),
  })
  expect((await database.remaining()).length).toBeGreaterThan(50)
})
