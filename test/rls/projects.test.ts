import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { type TableCase, tables } from './cases.ts'
import { insertWhole } from './insert-whole.ts'
import { seedProject, seedTenant } from './rows.ts'
import { asRole } from './scope.ts'

let database: TestDatabase
let app: string
let organization: string
/** Two projects of one organization. */
let shop: string
let depot: string

beforeAll(async () => {
  database = await startTestDatabase()
  app = database.urls.app
  organization = await seedTenant(app, 'one')
  shop = (await query<{ id: string }>(database.ownerUrl, 'select id from projects'))[0]!.id
  depot = await asRole(app, organization, (client) => seedProject(client, organization, 'depot'), true)
})

afterAll(() => database?.close())

const ofProjects = Object.entries(tables).filter(([, { project }]) => project !== undefined)

/** SQL that gives the project of a row `t`. */
function projectOf({ project }: TableCase): string {
  if (typeof project !== 'object') return `t.${project}`
  return `(select p.project_id from ${project.of} p where p.id = t.${project.column})`
}

interface Row {
  row: string
  project: string
  /** What the row's column says: the project, or the parent that says which. */
  link: string
}

/** As the owner sees it: the one row of each project. */
async function rowsByProject(table: string, known: TableCase): Promise<Map<string, Row>> {
  const column = typeof known.project === 'object' ? known.project.column : known.project
  const rows = await query<Row>(
    database.ownerUrl,
    `select to_jsonb(t)::text as row, ${projectOf(known)} as project, t.${column} as link from ${table} t`,
  )
  expect(rows).toHaveLength(2)
  return new Map(rows.map((row) => [row.project, row]))
}

const scope = (projects: string[], writes = projects) => ({
  organization,
  role: 'system',
  projects,
  writes,
})

async function outcome(client: pg.Client, sql: string, values: unknown[] = []): Promise<number | string> {
  await client.query('savepoint attempt')
  try {
    return (await client.query(sql, values)).rowCount ?? 0
  } catch (error) {
    return (error as { code: string }).code
  } finally {
    await client.query('rollback to attempt')
  }
}

/** PostgreSQL's `insufficient_privilege`, and its `unique_violation`: past the policy, as far as the key. */
const denied = '42501'
const reached = '23505'

describe.each(ofProjects)('%s', (table, known) => {
  test('a member sees the rows of their projects only', async () => {
    const rows = await rowsByProject(table, known)
    const seenBy = (projects: string[]) =>
      asRole(app, { organization, role: 'member', projects, writes: [] }, async (client) =>
        (await client.query(`select to_jsonb(t)::text as row from ${table} t`)).rows.map(({ row }) => row),
      )
    expect(await seenBy([shop])).toEqual([rows.get(shop)?.row])
    expect(await seenBy([depot])).toEqual([rows.get(depot)?.row])
    expect((await seenBy([shop, depot])).sort()).toEqual([...rows.values()].map(({ row }) => row).sort())
    expect(await seenBy([randomUUID()])).toEqual([])
    expect(await seenBy([])).toEqual([])
  })

  test('nothing is written outside the projects where the permission holds, seen or not', async () => {
    const rows = await rowsByProject(table, known)
    const here = rows.get(shop)!
    const there = rows.get(depot)!
    const column = typeof known.project === 'object' ? known.project.column : known.project
    const insert = insertWhole(table, here.row)
    const touch = `update ${table} set ${column} = ${column} where ${column} = $1`
    const move = `update ${table} set ${column} = $2 where ${column} = $1`
    const remove = `delete from ${table} where ${column} = $1`
    const may = (verb: boolean, allowed: number | string) => (verb ? allowed : denied)
    for (const projects of [[shop], [shop, depot]]) {
      await asRole(app, scope(projects, [shop]), async (client) => {
        expect(await outcome(client, insert, [here.row])).toBe(reached)
        // A trace may be left in whosever project.
        expect(await outcome(client, insert, [there.row])).toBe(table === 'audit_events' ? reached : denied)
        expect(await outcome(client, touch, [here.link])).toBe(may(known.update, 1))
        expect(await outcome(client, touch, [there.link])).toBe(may(known.update, 0))
        expect(await outcome(client, move, [here.link, there.link])).toBe(denied)
        expect(await outcome(client, remove, [here.link])).toBe(may(known.delete, 1))
        expect(await outcome(client, remove, [there.link])).toBe(may(known.delete, 0))
      })
    }
    await asRole(app, scope([shop, depot], []), async (client) => {
      expect(await outcome(client, touch, [here.link])).toBe(may(known.update, 0))
    })
  })
})

test('every table that names a project is one of them, but for those that are the whole organization’s', async () => {
  const named = await query<{ table: string }>(
    database.ownerUrl,
    `select table_name as table from information_schema.columns
     where table_schema = 'public' and column_name in ('project_id', 'run_id', 'environment_id', 'stream_id')`,
  )
  const names = new Set(named.map(({ table }) => table))
  // A workflow's token is confined to its project; ending it is the organization's business.
  names.delete('tokens')
  expect([...names].filter((name) => !tables[name]?.project)).toEqual([])
})
