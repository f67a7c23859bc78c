import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabases } from '../../server/db/databases.ts'
import { operation, type Tx, withTenant } from '../../server/db/tenancy.ts'
import {
  createOrganization,
  insert,
  query,
  startTestDatabase,
  type TestDatabase,
} from '../support/postgres.ts'

let database: TestDatabase
let organizationId: string
let projectId: string

beforeAll(async () => {
  database = await startTestDatabase()
  organizationId = await createOrganization(database, 'acme')
  projectId = await insert(database.ownerUrl, 'projects', {
    organization_id: organizationId,
    name: 'shop',
    repository_url: 'https://example.org/acme/shop.git',
    repository_slug: 'acme/shop',
    branch_rules: '[]',
    webhook_secret_sealed: Buffer.alloc(1),
  })
})
afterAll(() => database?.close())

const nameOf = (tx: Tx) =>
  tx.selectFrom('projects').select('name').where('id', '=', projectId).executeTakeFirstOrThrow()
const inTenant = <T>(work: (tx: Tx) => Promise<T>, databases = database.databases) =>
  withTenant(databases, operation(organizationId, 'test'), work)
/** One after the other, so that they share the connection that the next transaction gets as well. */
async function readOften(databases = database.databases) {
  for (let time = 0; time < 12; time++) await inTenant(nameOf, databases)
}
const listPrepared = (databases = database.databases) =>
  inTenant(async (tx) => {
    const { rows } = await sql<{ statement: string; generic_plans: number }>`
      select statement, generic_plans from pg_prepared_statements where statement like '%"projects"%'`.execute(
      tx,
    )
    return rows
  }, databases)

test('PostgreSQL plans once what comes again and again', async () => {
  await readOften()
  expect(await listPrepared()).toEqual([
    {
      statement: expect.stringContaining('select "name" from "projects"'),
      generic_plans: expect.any(Number),
    },
  ])
})

test('what a newer server makes of a column meanwhile is read as it is', async () => {
  await readOften()
  await query(database.ownerUrl, 'alter table projects alter column name type varchar(300)')
  expect(await inTenant(nameOf)).toEqual({ name: 'shop' })
})

test('nothing is prepared behind a pooler, which may give the next transaction to another session', async () => {
  const behind = openDatabases({ ...database.urls, listen: `${database.urls.app}?straight` }, () => undefined)
  try {
    await readOften(behind)
    expect(await listPrepared(behind)).toEqual([])
  } finally {
    await behind.close()
  }
})
