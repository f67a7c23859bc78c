import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { query, startTestDatabase, type TestDatabase, templateRoles } from '../support/postgres.ts'
import { serverTables, type TableCase, tables } from './cases.ts'

interface Policy {
  name: string
  roles: string[]
  command: string
  using: string | null
  check: string | null
}

interface CatalogRow {
  name: string
  enabled: boolean
  forced: boolean
  columns: string[]
  policies: Policy[]
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
                                                   'using', qual, 'check', with_check) order by policyname)
                 from pg_policies p where p.schemaname = 'public' and p.tablename = c.relname), '[]') as policies
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind in ('r', 'p')`,
  )
  for (const row of rows) catalog.set(row.name, row)
})

afterAll(() => database?.close())

test('every table has a case, and every case a table', () => {
  expect([...catalog.keys()].sort()).toEqual([...Object.keys(tables), ...Object.keys(serverTables)].sort())
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

const setting = (name: string) => `current_setting('fairway.${name}'::text, true)`
const unset = (name: string) => `NULLIF(${setting(name)}, ''::text)`
const all = (name: string) => `( SELECT (${setting(name)} = '*'::text))`
const some = (name: string) =>
  `ANY (( SELECT (NULLIF(${unset(name)}, '*'::text))::uuid[] AS "nullif")::uuid[])`
const ofTenant = (tenant: string) => `(${tenant} = ( SELECT (${unset('organization')})::uuid AS "nullif"))`

/** A function's answer, asked once for the whole statement. */
const once = (call: string) => `( SELECT ${call} AS ${call.slice(0, call.indexOf('('))})`

/** Which rows a transaction sees, as PostgreSQL prints the expression. */
function scopeOf(table: string, { tenant, project }: TableCase): string[] {
  if (!project) return [ofTenant(tenant)]
  if (typeof project === 'string') {
    return [ofTenant(tenant), `(${all('projects')} OR (${project} = ${some('projects')}))`]
  }
  // Whether it sees the parent is the parent's own policy.
  const parent = `SELECT\n   FROM ${project.of} p\n  WHERE (p.id = ${table}.${project.column})`
  return [ofTenant(tenant), `(${all('projects')} OR (EXISTS ( ${parent})))`]
}

/** Which rows a permission may reach. */
function reachOf(table: string, { tenant, project }: TableCase): string[] {
  if (!project) return [ofTenant(tenant)]
  if (typeof project === 'string') {
    return [ofTenant(tenant), `(${all('writes')} OR (${project} = ${some('writes')}))`]
  }
  const own = `(p.id = ${table}.${project.column})`
  const parent = `SELECT\n   FROM ${project.of} p\n  WHERE (${own} AND (p.project_id = ${some('writes')}))`
  return [ofTenant(tenant), `(${all('writes')} OR (EXISTS ( ${parent})))`]
}

const both = (conditions: string[]) =>
  conditions.length === 1 ? conditions[0] : `(${conditions.join(' AND ')})`

/** All, but for who is bound to a branch. */
function ownBranch(table: string, column: 'branch_id' | 'run_id'): string {
  const unbound = `( SELECT (COALESCE(${setting('branch')}, ''::text) = ''::text))`
  const parent =
    column === 'run_id'
      ? `SELECT\n   FROM runs r\n  WHERE (r.id = ${table}.run_id)`
      : `SELECT\n   FROM branches b\n  WHERE ((b.id = runs.branch_id) AND (b.name = ( SELECT ${setting('branch')} AS current_setting)))`
  return `(${unbound} OR (EXISTS ( ${parent})))`
}

/** Four for each table: what is read is its scope, and writing takes a permission as well. */
function policiesOf(table: string, known: TableCase): Policy[] {
  const roles = [templateRoles().app]
  const scope = scopeOf(table, known)
  const reading = { name: 'reading', roles, command: 'SELECT', using: both(scope) ?? null, check: null }
  if (table === 'organizations') {
    const check = both([...scope, `(${once('current_role_name()')} = 'system'::text)`]) ?? null
    return [{ name: 'adding', roles, command: 'INSERT', using: null, check }, reading]
  }
  // Anybody may leave a trace of what was refused them, whosever project it was.
  const writable =
    both(
      table === 'audit_events'
        ? reachOf(table, { ...known, project: undefined })
        : [...reachOf(table, known), once(`may_write('${table}'::text)`)],
    ) ?? null
  return [
    { name: 'adding', roles, command: 'INSERT', using: null, check: writable },
    { name: 'changing', roles, command: 'UPDATE', using: writable, check: writable },
    ...(known.ownBranch
      ? [
          {
            name: 'own_branch',
            roles,
            command: 'SELECT',
            using: ownBranch(table, known.ownBranch),
            check: null,
          },
        ]
      : []),
    reading,
    { name: 'removing', roles, command: 'DELETE', using: writable, check: null },
  ]
}

describe.each(Object.entries(tables))('%s', (name, known) => {
  const row = () => catalog.get(name)

  test('says whose each row is, and binds even its owner', () => {
    expect(row()?.columns).toContain(known.tenant)
    expect(row()).toMatchObject({ enabled: true, forced: true })
  })

  test('has the policies that follow from its case, and none wider', () => {
    expect(row()?.policies.filter(({ roles }) => !roles.includes(templateRoles().scheduler))).toEqual(
      policiesOf(name, known),
    )
  })

  test('lets fairway_scheduler read at most', () => {
    const theirs = row()?.policies.filter(({ roles }) => roles.includes(templateRoles().scheduler)) ?? []
    expect(theirs.map(({ command }) => command)).toEqual(known.scheduler.length > 0 ? ['SELECT'] : [])
  })
})

test('the row types of server/db/tables have the tables’ columns', () => {
  const folder = new URL('../../server/db/tables/', import.meta.url)
  const rows = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'))
  const text = readFileSync(new URL('../../server/db/schema.ts', import.meta.url), 'utf8')
  const interfaces = new Map<string, string[]>()
  for (const [, name = '', body = ''] of rows.join('').matchAll(/export interface (\w+) \{\n([^}]*)\}/g)) {
    interfaces.set(name, [...body.matchAll(/^ {2}(\w+): /gm)].map(([, column = '']) => column).sort())
  }
  const schema = /export interface Schema \{\n([^}]*)\}/.exec(text)?.[1] ?? ''
  const typed = new Map(
    [...schema.matchAll(/^ {2}(\w+): (\w+)$/gm)].map(([, table = '', type = '']) => [
      table,
      interfaces.get(type),
    ]),
  )
  const real = new Map([...catalog].filter(([name]) => !['schema_migrations', 'installation'].includes(name)))
  expect([...typed.keys()].sort()).toEqual([...real.keys()].sort())
  for (const [table, { columns }] of real) expect(typed.get(table), table).toEqual([...columns].sort())
})
