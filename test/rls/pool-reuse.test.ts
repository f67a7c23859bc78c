import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Databases, openDatabases } from '../../server/db/databases.ts'
import { rolePasswords, roleUrls } from '../../server/db/roles.ts'
import {
  claim,
  type Operation,
  operation,
  type Projects,
  type Tx,
  withTenant,
} from '../../server/db/tenancy.ts'
import { startPgbouncer } from '../support/pgbouncer.ts'
import { query, startTestDatabase, type TestDatabase, templateRoles } from '../support/postgres.ts'
import { seedProject, seedTenant } from './rows.ts'
import { asRole } from './scope.ts'

const transactions = 10_000
/** More than the pool has connections, so that every one is handed on at once. */
const workers = 24

interface Tenant {
  readonly organizationId: string
  readonly projects: readonly string[]
}

let database: TestDatabase
const tenants: Tenant[] = []

beforeAll(async () => {
  database = await startTestDatabase()
  const { app } = database.urls
  for (const name of ['one', 'two', 'three']) {
    const organizationId = await seedTenant(app, name)
    for (const project of ['depot', 'annex']) {
      await asRole(app, organizationId, (client) => seedProject(client, organizationId, project), true)
    }
    const rows = await query<{ id: string }>(
      database.ownerUrl,
      'select id from projects where organization_id = $1',
      [organizationId],
    )
    tenants.push({ organizationId, projects: rows.map(({ id }) => id) })
  }
})

afterAll(() => database?.close())

/** mulberry32: the same schedule for the same seed. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const pick = <T>(items: readonly T[], next: () => number): T => items[Math.floor(next() * items.length)]!

/** A caller of some tenant: the server, who sees all, or a member of some role and some of its projects. */
function someone(next: () => number): { op: Operation; projects: readonly string[] } {
  const { organizationId, projects } = pick(tenants, next)
  const op = operation(organizationId, 'test')
  const role = pick(['system', 'owner', 'developer', 'auditor', 'member', 'member'], next)
  if (role !== 'member') return { op: { ...op, access: { role, projects: 'all' } }, projects }
  const some = projects.filter(() => next() < 0.5)
  return { op: { ...op, access: { role, projects: some } }, projects: some }
}

/** Every row of three tables, one of them seen by way of another, is of the scope, and none of the scope's is missing. */
async function requireOwnRows(
  tx: Tx,
  { organizationId }: Operation,
  projects: readonly string[],
): Promise<void> {
  const { rows } = await sql<{ organization: string; project: string }>`
    select organization_id as organization, id as project from projects
    union all select organization_id, project_id from runs
    union all select s.organization_id, r.project_id from steps s left join runs r on r.id = s.run_id`.execute(
    tx,
  )
  const expected = projects.flatMap((project) => Array(3).fill(`${organizationId} ${project}`))
  const seen = rows.map(({ organization, project }) => `${organization} ${project}`)
  expect(seen.sort()).toEqual(expected.sort())
}

const settings = ['organization', 'role', 'member', 'projects', 'permission', 'writes']

/** What a transaction that says nothing of whom it works for finds: no setting, and no row. */
async function requireBlank(db: Databases): Promise<void> {
  await db.app.transaction().execute(async (tx) => {
    const { rows } = await sql<{ name: string; value: string }>`
      select name, current_setting('fairway.' || name, true) as value from unnest(${settings}::text[]) as name
      where current_setting('fairway.' || name, true) <> ''`.execute(tx)
    expect(rows).toEqual([])
    expect(await tx.selectFrom('runs').select('id').execute()).toEqual([])
    expect(await tx.selectFrom('projects').select('id').execute()).toEqual([])
  })
}

/** On purpose; anything else that a transaction fails with is a finding, or a killed connection. */
class Abort extends Error {}

type Ending = 'commit' | 'throw' | 'sql-error' | 'killed'

async function transact(db: Databases, next: () => number): Promise<Ending> {
  if (next() < 0.1) {
    await requireBlank(db)
    return 'commit'
  }
  const { op, projects } = someone(next)
  const permission = next() < 0.3 ? pick(['policy.set', 'build.start', 'secret.set'], next) : undefined
  const ending: Ending = pickEnding(next)
  await withTenant(db, op, async (tx) => {
    await requireOwnRows(tx, op, projects)
    const reach: Projects = projects.slice(0, 1)
    if (permission) await claim(tx, { permission, role: op.access.role, projects: reach })
    if (ending === 'throw') throw new Abort()
    if (ending === 'sql-error') await sql`select 1 / 0`.execute(tx)
    if (ending === 'killed') await sql`select pg_terminate_backend(pg_backend_pid())`.execute(tx)
    await requireOwnRows(tx, op, projects)
  })
  return ending
}

function pickEnding(next: () => number): Ending {
  const chance = next()
  if (chance < 0.005) return 'killed'
  if (chance < 0.1) return 'sql-error'
  return chance < 0.25 ? 'throw' : 'commit'
}

/** What PostgreSQL or a pooler says of a connection that is gone, to whoever had it or was about to get it. */
function isLoss(error: unknown): boolean {
  const { code = '', message = '' } = error as { code?: string; message?: string }
  return /^(57P01|08\w{3}|ECONNRESET|EPIPE)$/.test(code) || /terminated|closed|not queryable/i.test(message)
}

async function churn(db: Databases, seed: number): Promise<Map<string, number>> {
  const next = random(seed)
  const endings = new Map<string, number>()
  const count = (ending: string) => endings.set(ending, (endings.get(ending) ?? 0) + 1)
  let started = 0
  const work = async () => {
    while (started++ < transactions) {
      try {
        count(await transact(db, next))
      } catch (error) {
        if (error instanceof Abort) count('throw')
        else if ((error as { code?: string }).code === '22012') count('sql-error')
        else if (isLoss(error)) count('killed')
        else throw error
      }
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  return endings
}

describe.each([
  ['PostgreSQL', undefined],
  ['PgBouncer in transaction mode', startPgbouncer],
])('10,000 interleaved transactions on %s', (_, startPooler) => {
  test('see their own scope, whatever the ones before them left', { timeout: 180_000 }, async () => {
    const pooler = await startPooler?.(database.ownerUrl)
    const passwords = rolePasswords(database.context.sealer)
    const urls = roleUrls(pooler?.url ?? database.ownerUrl, templateRoles(), passwords)
    const db = openDatabases(pooler ? urls : { ...urls, listen: urls.app }, () => undefined)
    const seed = Number(process.env.FAIRWAY_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
    try {
      const endings = await churn(db, seed)
      // They did happen, each kind.
      expect(endings.get('commit')).toBeGreaterThan(transactions * 0.6)
      expect(endings.get('throw')).toBeGreaterThan(transactions * 0.1)
      expect(endings.get('sql-error')).toBeGreaterThan(transactions * 0.05)
      expect(endings.get('killed')).toBeGreaterThan(10)
      await requireBlank(db)
    } catch (error) {
      throw new Error(`with FAIRWAY_TEST_SEED=${seed}`, { cause: error })
    } finally {
      await db.close()
      await pooler?.[Symbol.asyncDispose]()
    }
  })
})
