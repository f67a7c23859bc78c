import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Permission, permissions, type Role, ruleOf } from '../../server/governance/matrix.ts'
import { insert, query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { tables } from './cases.ts'
import { insertWhole } from './insert-whole.ts'
import { seedTenant } from './rows.ts'
import { enter, type Scope } from './scope.ts'

const roles: Role[] = ['owner', 'release-manager', 'developer', 'auditor', 'member', 'webhook', 'workflow']

let database: TestDatabase
/** One connection, as fairway_app, for all cases. */
let client: pg.Client
let organization: string
let member: string
let project: string
/** `<verb> <table>` → the statement that tries it on the tenant's row. */
const attempts = new Map<string, string>()

beforeAll(async () => {
  database = await startTestDatabase()
  const { app } = database.urls
  organization = await seedTenant(app, 'one')
  const [ids] = await query<{ member: string; project: string }>(
    database.ownerUrl,
    'select m.id as member, p.id as project from members m, projects p',
  )
  ;({ member, project } = ids!)
  client = new pg.Client({ connectionString: app })
  await client.connect()
  // Tries a statement and undoes it: how many rows it would have changed, or why it was refused.
  await client.query(`create function pg_temp.attempt(statement text) returns text language plpgsql as $$
    declare
      changed bigint;
    begin
      execute statement;
      get diagnostics changed = row_count;
      raise exception using errcode = 'UNDO0', message = changed::text;
    exception
      when sqlstate 'UNDO0' then return sqlerrm;
      when others then return sqlstate;
    end $$`)
  await client.query('begin')
  await enter(client, { organization })
  for (const [table, { tenant }] of Object.entries(tables)) {
    const { rows } = await client.query(`select to_jsonb(t)::text as row from ${table} t`)
    const { row } = rows[0]
    attempts.set(`insert ${table}`, insertWhole(table, row, client.escapeLiteral(row)))
    attempts.set(`update ${table}`, `update ${table} set ${tenant} = ${tenant}`)
    attempts.set(`delete ${table}`, `delete from ${table}`)
  }
  await client.query('rollback')
})

afterAll(async () => {
  await client?.end()
  await database?.close()
})

/**
 * What the scope lets one write, as `<verb> <table>`. A row gets past the policy as far as its key (23505), which it
 * has already; a refusal is 42501, or that no row was there to be changed.
 */
async function writable(scope: Omit<Scope, 'organization'>): Promise<string[]> {
  await client.query('begin')
  try {
    await enter(client, { organization, ...scope })
    const { rows } = await client.query<{ what: string; outcome: string }>(
      'select what, pg_temp.attempt(statement) as outcome from unnest($1::text[], $2::text[]) as t (what, statement)',
      [[...attempts.keys()], [...attempts.values()]],
    )
    expect(rows.filter(({ outcome }) => !/^(23505|42501|\d)$/.test(outcome))).toEqual([])
    return rows.filter(({ outcome }) => outcome !== '42501' && outcome !== '0').map(({ what }) => what)
  } finally {
    await client.query('rollback')
  }
}

/** What the case table's grants leave of some tables' writing. */
const verbsOn = (names: readonly string[]): string[] =>
  [...attempts.keys()].filter((what) => {
    const [verb, table = ''] = what.split(' ')
    const known = tables[table]
    return names.includes(table) && (verb === 'insert' || (verb === 'update' ? known?.update : known?.delete))
  })

/** Anybody leaves traces, and nobody else's rows are anybody's. */
const always = ['audit_events']

test('the database has the matrix as it is written', async () => {
  const inDatabase = await query<{ permission: string; role: string }>(
    database.ownerUrl,
    'select permission, role from role_permissions',
  )
  const pairs = (rows: { permission: string; role: string }[]) =>
    rows.map(({ permission, role }) => `${permission} ${role}`).sort()
  const written = permissions.flatMap((permission) =>
    ruleOf(permission).roles.map((role) => ({ permission, role })),
  )
  expect(pairs(inDatabase)).toEqual(pairs(written))

  const tablesInDatabase = await query<{ permission: string; role: string }>(
    database.ownerUrl,
    'select permission, table_name as role from permission_tables',
  )
  const tablesWritten = permissions.flatMap((permission) =>
    ruleOf(permission).writes.map((role) => ({ permission, role })),
  )
  expect(pairs(tablesInDatabase)).toEqual(pairs(tablesWritten))
})

test('narrower roles in production are among those that have the permission at all', () => {
  for (const permission of permissions) {
    const { roles: able, production = [] } = ruleOf(permission)
    expect(able, permission).toEqual(expect.arrayContaining([...production]))
  }
})

test('the server on its own writes whatever the grants allow', async () => {
  expect(await writable({ role: 'system' })).toEqual(verbsOn(Object.keys(tables)))
})

describe.each([...roles, 'none', ''])('role %s', (role) => {
  test('writes nothing but traces without a permission', async () => {
    expect(await writable({ role })).toEqual(verbsOn(always))
    expect(await writable({ role, permission: 'no.such' })).toEqual(verbsOn(always))
  })

  test.each(permissions)('claims %s', async (permission) => {
    const { roles: able, writes } = ruleOf(permission)
    const allowed = (able as readonly string[]).includes(role)
    expect(await writable({ role, permission })).toEqual(verbsOn(allowed ? [...writes, ...always] : always))
  })
})

test.each([
  ['auditor', ['token.revoke']],
  ['member', ['token.create', 'token.revoke']],
] as const)('the role %s changes nothing but tokens of its own', (role, expected) => {
  const theirs = permissions.filter((permission) => ruleOf(permission).roles.includes(role))
  expect(theirs.filter((permission) => ruleOf(permission).writes.length > 0)).toEqual(expected)
})

describe('a grant', () => {
  const inAnHour = () => new Date(Date.now() + 3_600_000)
  const give = (permission: Permission, more: Record<string, unknown> = {}) =>
    insert(database.ownerUrl, 'grants', {
      organization_id: organization,
      project_id: project,
      member_id: member,
      permission,
      granted_by: 'test',
      expires_at: inAnHour(),
      ...more,
    })
  const take = (id: string) => query(database.ownerUrl, 'delete from grants where id = $1', [id])
  const change = (id: string, set: string) =>
    query(database.ownerUrl, `update grants set ${set} where id = $1`, [id])

  const granted = permissions.filter((permission) => {
    const { reach, roles: able, writes } = ruleOf(permission)
    return reach !== 'organization' && writes.length > 0 && !able.includes('member')
  })

  test.each(granted)(
    'of %s holds for its member in its project until it expires or is revoked',
    async (permission) => {
      const held = verbsOn([...ruleOf(permission).writes, ...always])
      const nothing = verbsOn(always)
      const scope = { role: 'member', member, projects: [project], permission }
      expect(await writable(scope)).toEqual(nothing)
      const id = await give(permission)
      try {
        expect(await writable(scope)).toEqual(held)
        expect(await writable({ ...scope, member: randomUUID() })).toEqual(nothing)
        expect(await writable({ ...scope, member: undefined })).toEqual(nothing)
        expect(await writable({ ...scope, writes: [randomUUID()] })).toEqual(nothing)
        await change(id, "expires_at = now() - interval '1 millisecond'")
        expect(await writable(scope)).toEqual(nothing)
        await change(id, "expires_at = now() + interval '1 hour', revoked_at = now()")
        expect(await writable(scope)).toEqual(nothing)
      } finally {
        await take(id)
      }
    },
  )

  test('of one permission is none of another', async () => {
    const id = await give('policy.set')
    try {
      const scope = { role: 'member', member, projects: [project], permission: 'secret.set' }
      expect(await writable(scope)).toEqual(verbsOn(always))
    } finally {
      await take(id)
    }
  })
})
