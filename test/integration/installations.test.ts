import { randomBytes } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { migrate } from '../../server/db/migrate.ts'
import { type RolePasswords, roleUrls } from '../../server/db/roles.ts'
import {
  applyMigrations,
  migrationsBefore,
  startFormerDatabase,
  upgradeDatabase,
} from '../support/former-database.ts'
import {
  createOrganization,
  query,
  startTestDatabase,
  type TestDatabase,
  templateRoles,
} from '../support/postgres.ts'

// Roles are the whole PostgreSQL's, and so are their passwords: what one installation does must not reach another.

const opened: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

const ofAnotherKey = (): RolePasswords => ({
  app: randomBytes(32).toString('hex'),
  scheduler: randomBytes(32).toString('hex'),
})

async function start(make: () => Promise<TestDatabase>): Promise<TestDatabase> {
  const database = await make()
  opened.push(() => database.close())
  return database
}

/** Every leave that a role has in a database, by the role's kind. */
const leavesIn = (database: TestDatabase) =>
  query(
    database.ownerUrl,
    `select object, privilege, substring(role from '^fairway_(app|scheduler)') as role from (
       select c.relname::text || coalesce('.' || a.attname, '') as object, e.privilege_type as privilege,
         e.grantee::regrole::text as role
       from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attacl is not null
         cross join lateral aclexplode(coalesce(a.attacl, c.relacl)) e
       where c.relnamespace = 'public'::regnamespace and e.grantee <> 0
       union all select 'schema', e.privilege_type, e.grantee::regrole::text
         from pg_namespace cross join lateral aclexplode(nspacl) e where nspname = 'public' and e.grantee <> 0
       union all select tablename || ' policy ' || policyname, cmd, unnest(roles)::text
         from pg_policies where schemaname = 'public'
     ) leave where role ~ '^fairway_(app|scheduler)' order by 1, 2, 3`,
  )

test('two installations in one PostgreSQL work side by side, and see nothing of each other', async () => {
  const first = await start(() => startTestDatabase())
  const second = await start(() => startTestDatabase('template0'))
  const passwords = ofAnotherKey()
  const { roles } = await migrate(second.ownerUrl, passwords)
  expect(roles.notices).toEqual([expect.stringContaining(templateRoles().app)])
  expect(await migrate(second.ownerUrl, passwords)).toEqual({
    applied: [],
    roles: { names: roles.names, notices: [] },
  })

  await createOrganization(first, 'first')
  expect(await query(first.urls.app, 'select from authority')).toEqual([])
  const urls = roleUrls(second.ownerUrl, roles.names, passwords)
  expect(await query(urls.app, 'select from authority')).toEqual([])
  const across = roleUrls(first.ownerUrl, roles.names, passwords)
  for (const url of [across.app, across.scheduler]) {
    await expect(query(url, 'select id from organizations')).rejects.toThrow('permission denied')
  }
})

test('installations that share the names of before part, one after the other, and keep every leave', async () => {
  const start = async () => {
    const database = await startFormerDatabase()
    await applyMigrations(database.ownerUrl, await migrationsBefore('0016'))
    return database
  }
  const [one, other] = [await start(), await start()]
  const upgraded = await upgradeDatabase(one)
  opened.push(() => upgraded.database.close())
  expect(upgraded.notices).toEqual([
    expect.stringMatching(/^The roles of this installation are fairway_app_\w+ .*no longer fairway_app /),
  ])
  expect(upgraded.notices[0]).toContain('fairway_app, fairway_scheduler stay: another database uses them')
  // The migrations after these add to what there was: it is what a new installation has.
  expect(await leavesIn(upgraded.database)).toEqual(await leavesIn(await startCopy()))
  const former = roleUrls(one.ownerUrl, { app: 'fairway_app', scheduler: '' }, passwordsOf(one))
  await expect(query(former.app, 'select id from organizations')).rejects.toThrow('permission denied')

  expect(await query(other.urls.app, 'select from authority')).toEqual([])
  const second = await upgradeDatabase(other)
  opened.push(() => second.database.close())
  expect(await query(second.database.urls.app, 'select from authority')).toEqual([])
  expect(await query(upgraded.database.urls.app, 'select from authority')).toEqual([])
})

const startCopy = () => start(() => startTestDatabase())
const passwordsOf = ({ urls }: TestDatabase): RolePasswords => ({
  app: new URL(urls.app).password,
  scheduler: new URL(urls.scheduler).password,
})

test('an upgrade waits until no former server works with the database', async () => {
  const former = await start(startFormerDatabase)
  await applyMigrations(former.ownerUrl, await migrationsBefore('0016'))
  await former.databases.app.selectFrom('authority').select('id').execute()
  await expect(migrate(former.ownerUrl, passwordsOf(former))).rejects.toThrow(
    'stop every server before its database roles get names of their own',
  )
  expect(await query(former.urls.app, 'select from authority')).toEqual([])
})

test('a copy under another master key finds foreign roles, says so, and gets its own', async () => {
  const original = await start(() => startTestDatabase())
  const copy = await start(() => startTestDatabase())
  await copy.disconnect()
  const passwords = ofAnotherKey()
  const { roles } = await migrate(copy.ownerUrl, passwords)
  expect(roles.names.app).not.toBe(templateRoles().app)
  expect(roles.notices[0]).toMatch(
    new RegExp(`${templateRoles().app} has the password of another installation, which uses it in`),
  )
  expect(await query(original.urls.app, 'select from authority')).toEqual([])
  const urls = roleUrls(copy.ownerUrl, roles.names, passwords)
  expect(await query(urls.app, 'select from authority')).toEqual([])
  expect(await leavesIn(copy)).toEqual(await leavesIn(original))
})

test('roles that nobody else uses get the password that follows from a changed master key', async () => {
  const database = await start(() => startTestDatabase('template0'))
  const { roles } = await migrate(database.ownerUrl, ofAnotherKey())
  const changed = ofAnotherKey()
  expect((await migrate(database.ownerUrl, changed)).roles).toEqual({ names: roles.names, notices: [] })
  const { scheduler } = roleUrls(database.ownerUrl, roles.names, changed)
  expect(await query(scheduler, 'select current_user::text as name')).toEqual([
    { name: roles.names.scheduler },
  ])
})

test('a database that was restored without its roles is refused: it has lost what they may do', async () => {
  const database = await start(() => startTestDatabase())
  await query(database.ownerUrl, `update installation set role_suffix = 'deadbeef'`)
  await expect(migrate(database.ownerUrl, passwordsOf(database))).rejects.toThrow(
    'roles fairway_app_deadbeef and fairway_scheduler_deadbeef are not in this PostgreSQL',
  )
})
