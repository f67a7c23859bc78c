import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { tables } from './cases.ts'
import { seedTenant } from './rows.ts'
import { enter, type Scope } from './scope.ts'

/** What EXPLAIN says of a part of a plan, as JSON. */
interface Plan {
  'Node Type': string
  'Parent Relationship'?: string
  'Subplan Name'?: string
  'Actual Loops': number
  Plans?: Plan[]
  [detail: string]: unknown
}

let database: TestDatabase
let client: pg.Client
let organization: string
let projects: string[]

beforeAll(async () => {
  database = await startTestDatabase()
  const { app } = database.urls
  organization = await seedTenant(app, 'one')
  projects = (await query<{ id: string }>(database.ownerUrl, 'select id from projects')).map(({ id }) => id)
  // More rows than one, so that a condition asked for each of them would show.
  await query(
    database.ownerUrl,
    `insert into runs (organization_id, project_id, kind, trigger, requested_by)
     select organization_id, id, 'stop', 'system', 'test' from projects, generate_series(1, 200)`,
  )
  await query(
    database.ownerUrl,
    `insert into steps (organization_id, run_id, name, position)
     select organization_id, id, 'one', 0 from runs where kind = 'stop'`,
  )
  client = new pg.Client({ connectionString: app })
  await client.connect()
})

afterAll(async () => {
  await client?.end()
  await database?.close()
})

/** The parts of the plan, run for real, of a statement in a scope. */
async function planOf(scope: Omit<Scope, 'organization'>, statement: string): Promise<Plan[]> {
  await client.query('begin')
  try {
    await enter(client, { organization, ...scope })
    const { rows } = await client.query(`explain (analyze, verbose, format json) ${statement}`)
    const parts = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(parts)]
    return parts(rows[0]['QUERY PLAN'][0].Plan)
  } finally {
    await client.query('rollback')
  }
}

/** Settings and functions of the policies are asked in sub-selects of their own, and each of those runs at most once. */
function requireAskedOnce(parts: Plan[]): void {
  const asks = (part: Plan) =>
    /current_setting|may_write|current_role_name|current_organization/.test(
      JSON.stringify({ ...part, Plans: undefined }),
    )
  const asking = parts.filter(asks)
  expect(asking.length).toBeGreaterThan(0)
  for (const part of asking) {
    expect(part).toMatchObject({ 'Parent Relationship': 'InitPlan' })
    expect(part['Actual Loops']).toBeLessThanOrEqual(1)
  }
}

const views: [string, () => Omit<Scope, 'organization'>][] = [
  ['who sees all', () => ({ role: 'owner' })],
  ['who sees some projects', () => ({ role: 'member', projects })],
]

describe.each(views)('for somebody %s', (_, scope) => {
  test.each(Object.keys(tables))('a list of %s asks the settings once, not for each row', async (table) => {
    requireAskedOnce(await planOf(scope(), `select * from ${table}`))
  })

  test('so does a list that joins tables', async () => {
    const parts = await planOf(
      scope(),
      `select * from runs r join projects p on p.id = r.project_id left join branches b on b.id = r.branch_id
       left join environments e on e.id = r.environment_id order by r.created_at desc limit 50`,
    )
    requireAskedOnce(parts)
  })
})

test('a change of many rows asks for its permission once', async () => {
  const parts = await planOf(
    { role: 'developer', permission: 'build.start' },
    "update runs set reason = 'test' where kind = 'stop'",
  )
  requireAskedOnce(parts)
  expect(JSON.stringify(parts)).toContain('may_write')
})

test('the newest runs of all projects come from an index', async () => {
  await query(database.ownerUrl, 'analyze runs')
  await client.query('set enable_seqscan = off')
  const parts = await planOf({ role: 'owner' }, 'select * from runs order by created_at desc limit 10')
  await client.query('reset enable_seqscan')
  const scan = parts.find((part) => part['Index Name'] === 'runs_by_time')
  expect(scan?.['Index Cond']).toContain('organization_id = (InitPlan')
})
