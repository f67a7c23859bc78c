import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { serverTables, tables } from './cases.ts'

interface CatalogRow {
  name: string
  enabled: boolean
  forced: boolean
  columns: string[]
  policies: { name: string; roles: string[]; command: string; using: string | null; check: string | null }[]
}

let database: TestDatabase
const catalog = new Map<string, CatalogRow>()

beforeAll(async () => {
  database = await startTestDatabase()
  const rows = await query<CatalogRow>(
    database.ownerUrl,
    `select c.relname as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
       array(select attname::text from pg_attribute a
             where a.attrelid = c.oid and attnum > 0 and not attisdropped order by attname) as columns,
       coalesce((select json_agg(json_build_object('name', policyname, 'roles', roles::text[], 'command', cmd,
                                                   'using', qual, 'check', with_check))
                 from pg_policies p where p.schemaname = 'public' and p.tablename = c.relname), '[]') as policies
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind in ('r', 'p')`,
  )
  for (const row of rows) catalog.set(row.name, row)
})

afterAll(() => database?.close())

test('every table has a case, and every case a table', () => {
  expect([...catalog.keys()].sort()).toEqual([...Object.keys(tables), ...serverTables].sort())
})

test('nothing but tables is reachable: no view or function gets round the policies', async () => {
  const others = await query(
    database.ownerUrl,
    `select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind in ('v', 'm', 'f')
     union all
     select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname = 'public' and p.prosecdef`,
  )
  expect(others).toEqual([])
})

describe.each(Object.entries(tables))('%s', (name, known) => {
  const row = () => catalog.get(name)

  test('says whose each row is, and binds even its owner', () => {
    expect(row()?.columns).toContain(known.tenant)
    expect(row()).toMatchObject({ enabled: true, forced: true })
  })

  test('has the tenant’s policy for fairway_app, for reading and writing, and none wider', () => {
    const mine = row()?.policies.filter(({ roles }) => roles.includes('fairway_app')) ?? []
    const scope = `(${known.tenant} = ( SELECT current_organization() AS current_organization))`
    expect(mine).toEqual([
      { name: 'tenant', roles: ['fairway_app'], command: 'ALL', using: scope, check: scope },
    ])
    expect(row()?.policies.filter(({ roles }) => roles.includes('public'))).toEqual([])
  })

  test('lets fairway_scheduler read at most', () => {
    const theirs = row()?.policies.filter(({ roles }) => roles.includes('fairway_scheduler')) ?? []
    expect(theirs.map(({ command }) => command)).toEqual(known.scheduler.length > 0 ? ['SELECT'] : [])
  })
})

test('the row types of server/db/schema.ts have the tables’ columns', () => {
  const text = readFileSync(new URL('../../server/db/schema.ts', import.meta.url), 'utf8')
  const interfaces = new Map<string, string[]>()
  for (const [, name = '', body = ''] of text.matchAll(/export interface (\w+) \{\n([^}]*)\}/g)) {
    interfaces.set(name, [...body.matchAll(/^ {2}(\w+): /gm)].map(([, column = '']) => column).sort())
  }
  const schema = /export interface Schema \{\n([^}]*)\}/.exec(text)?.[1] ?? ''
  const typed = new Map(
    [...schema.matchAll(/^ {2}(\w+): (\w+)$/gm)].map(([, table = '', type = '']) => [
      table,
      interfaces.get(type),
    ]),
  )
  const real = new Map([...catalog].filter(([name]) => name !== 'schema_migrations'))
  expect([...typed.keys()].sort()).toEqual([...real.keys()].sort())
  for (const [table, { columns }] of real) expect(typed.get(table), table).toEqual([...columns].sort())
})
