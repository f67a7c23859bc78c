import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { defaultBranchRules } from '../../server/services/projects/branch-rules.ts'
import {
  applyMigrations,
  migrationsBefore,
  startFormerDatabase,
  upgradeDatabase,
} from '../support/former-database.ts'
import { createOrganization, insert, query, type TestDatabase } from '../support/postgres.ts'

// An owner that is no superuser, as managed PostgreSQL has them: the policies bind it as well.

const owner = `owner_${randomUUID().replaceAll('-', '')}`
let former: string[]
let database: TestDatabase
/** As that owner; `database.ownerUrl` is the superuser's. */
let ownerUrl: string
let organization_id: string
let made = 0

beforeAll(async () => {
  former = await migrationsBefore('0009')
  const admin = process.env.FAIRWAY_TEST_DATABASE_URL ?? ''
  await query(admin, `create role ${owner} login createrole password 'test'`)
  // As PostgreSQL grants them to whoever made them.
  await query(
    admin,
    `grant fairway_app, fairway_scheduler to ${owner} with admin true, inherit false, set false`,
  )
})
afterAll(() => query(process.env.FAIRWAY_TEST_DATABASE_URL ?? '', `drop role ${owner}`))

beforeEach(async () => {
  database = await startFormerDatabase()
  const url = new URL(database.ownerUrl)
  await query(database.ownerUrl, `alter database ${url.pathname.slice(1)} owner to ${owner}`)
  url.username = owner
  url.password = 'test'
  ownerUrl = url.href
  await applyMigrations(ownerUrl, former)
  organization_id = await createOrganization(database, 'managed')
  return () => database.close()
}, 60_000)

const upgrade = async () => {
  const { applied, ...upgraded } = await upgradeDatabase(database, ownerUrl)
  database = upgraded.database
  return { applied }
}
const tell = <Row>(text: string) => query<Row>(database.ownerUrl, text)

const arrangeProject = (name: string) =>
  insert(database.ownerUrl, 'projects', {
    organization_id,
    name,
    repository_url: `https://git.example/${name}/odoo.git`,
    repository_slug: `${name}/odoo`,
    branch_rules: JSON.stringify(defaultBranchRules),
    webhook_secret_sealed: Buffer.alloc(0),
  })

async function arrangeBranch(project_id: string, stage: string, more: Record<string, unknown> = {}) {
  const place = { organization_id, project_id, stage }
  const name = `branch${++made}`
  const branch_id = await insert(database.ownerUrl, 'branches', { ...place, name, ...more })
  await insert(database.ownerUrl, 'environments', { ...place, branch_id, name, status: 'running' })
  return branch_id
}

test('rules follow the default branch only where nothing was built by them', async () => {
  await arrangeProject('untouched')
  await arrangeBranch(await arrangeProject('staged'), 'staging')
  await arrangeBranch(await arrangeProject('live'), 'production')
  await upgrade()
  expect(await tell('select name, branch_rules_from from projects order by name')).toEqual([
    { name: 'live', branch_rules_from: 'given' },
    { name: 'staged', branch_rules_from: 'given' },
    { name: 'untouched', branch_rules_from: 'default' },
  ])
})

test('staging of branches that are gone is given an end, and nothing else is', async () => {
  const project = await arrangeProject('shop')
  const gone = await arrangeBranch(project, 'staging', { deleted_at: new Date() })
  await arrangeBranch(project, 'staging')
  await arrangeBranch(project, 'production', { deleted_at: new Date() })
  await upgrade()
  expect(await tell('select id from branches where destroy_at is not null')).toEqual([{ id: gone }])
})

test('names that projects have are theirs for ever', async () => {
  const project_id = await arrangeProject('shop')
  await upgrade()
  const names = 'select organization_id, name, project_id from project_names'
  expect(await tell(names)).toEqual([{ organization_id, name: 'shop', project_id }])
})

test('a release that is at the data of production is seen', async () => {
  const project_id = await arrangeProject('shop')
  const branch_id = await arrangeBranch(project_id, 'production')
  const run_id = await insert(database.ownerUrl, 'runs', {
    organization_id,
    project_id,
    branch_id,
    stage: 'production',
    kind: 'promote',
    trigger: 'manual',
    requested_by: 'member:ana',
    status: 'running',
  })
  const step = { organization_id, run_id, name: 'approve', position: 1, status: 'succeeded' }
  await insert(database.ownerUrl, 'steps', step)
  await expect(upgrade()).rejects.toMatchObject({
    cause: expect.objectContaining({ message: expect.stringContaining('start the former server again') }),
  })
})

test('every table is as closed to the owner afterwards as it was, and a second upgrade does nothing', async () => {
  await upgrade()
  const { applied } = await upgrade()
  expect(applied).toEqual([])
  const open = `select relname from pg_class join pg_policy on polrelid = pg_class.oid where not relforcerowsecurity`
  expect(await tell(open)).toEqual([])
  await arrangeProject('shop')
  expect(await query(ownerUrl, 'select id from projects')).toEqual([])
})
