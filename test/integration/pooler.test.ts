import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseConfig } from '../../server/config.ts'
import type { AppContext } from '../../server/context.ts'
import { openControlPlaneDatabase } from '../../server/db/open.ts'
import { listenForSignals } from '../../server/db/signals.ts'
import { listBuilds } from '../../server/services/builds/build-views.ts'
import { type Pooler, startPgbouncer } from '../support/pgbouncer.ts'
import {
  createOrganization,
  query,
  startTestDatabase,
  type TestDatabase,
  templateRoles,
} from '../support/postgres.ts'
import { arrangeBuild, arrangeTenant } from '../support/tenant.ts'
import { waitFor } from '../support/wait-for.ts'

let database: TestDatabase
let pooler: Pooler
/** Of a server that was started with DATABASE_POOL_URL. */
let context: AppContext

const open = () => openControlPlaneDatabase(context.config, context.sealer, context.log)

beforeAll(async () => {
  database = await startTestDatabase()
  pooler = await startPgbouncer(database.ownerUrl)
  const config = parseConfig({
    FAIRWAY_DATA_DIR: database.context.config.dataDir,
    DATABASE_URL: database.ownerUrl,
    DATABASE_POOL_URL: pooler.url,
    FAIRWAY_MASTER_KEY: database.masterKey,
  })
  context = { ...database.context, config }
  context = { ...context, db: await open() }
})

afterAll(async () => {
  await context?.db.close()
  await pooler?.[Symbol.asyncDispose]()
  await database?.close()
})

test('use cases run through PgBouncer in transaction mode, and their hints arrive', async () => {
  const hints = new Set<string>()
  const signals = listenForSignals(context.db.listenUrl, () => undefined)
  signals.on('run', (id) => hints.add(id))
  const listening =
    "select from pg_stat_activity where datname = current_database() and query like 'listen %' and state = 'idle'"
  await waitFor('LISTEN', async () => (await query(database.ownerUrl, listening)).length > 1)
  try {
    const tenant = await arrangeTenant(context, await createOrganization(database, 'acme'), 'shop')
    const builds = await Promise.all(
      Array.from({ length: 20 }, (_, index) => arrangeBuild(context, tenant, `feature/${index}`)),
    )
    await waitFor('a hint of every run', () => builds.every(({ runId }) => hints.has(runId)))
    const listed = await listBuilds(context, tenant.caller, { project: 'shop', branch: '', limit: 0 })
    expect(listed).toHaveLength(20)
  } finally {
    await signals.close()
  }
  const [{ connections } = { connections: 0 }] = await query<{ connections: number }>(
    database.ownerUrl,
    `select count(*)::int as connections from pg_stat_activity
     where usename = $1 and application_name = 'fairway' and datname = current_database()`,
    [templateRoles().app],
  )
  expect(connections).toBeLessThanOrEqual(4)
})

test('a second server’s start leaves the pooler’s logins alone', async () => {
  const secrets = () =>
    query(
      database.ownerUrl,
      "select rolname, rolpassword from pg_authid where rolname like 'fairway\\_%' order by rolname",
    )
  const before = await secrets()
  const second = await open()
  await second.close()
  expect(await secrets()).toEqual(before)
})

test('a pooler without the database’s own address is refused', () => {
  expect(() => parseConfig({ DATABASE_POOL_URL: pooler.url })).toThrow(
    'DATABASE_URL: DATABASE_POOL_URL needs it',
  )
})
