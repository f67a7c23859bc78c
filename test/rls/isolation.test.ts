import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { query, startTestDatabase, type TestDatabase, templateRoles } from '../support/postgres.ts'
import { schedulerSees, serverTables, tables } from './cases.ts'
import { insertWhole } from './insert-whole.ts'
import { seedTenant } from './rows.ts'
import { asRole } from './scope.ts'

let database: TestDatabase
let app: string
let scheduler: string
let mine: string
let theirs: string

/** PostgreSQL's `insufficient_privilege`: no grant, or a policy's check. */
const denied = '42501'

beforeAll(async () => {
  database = await startTestDatabase()
  ;({ app, scheduler } = database.urls)
  mine = await seedTenant(app, 'mine')
  theirs = await seedTenant(app, 'theirs')
})

afterAll(() => database?.close())

/** Rows read or touched, or the code of the refusal. */
async function outcome(
  url: string,
  organizationId: string | undefined,
  sql: string,
  values: unknown[] = [],
): Promise<number | string> {
  return await asRole(url, organizationId, async (client: pg.Client) => {
    try {
      return (await client.query(sql, values)).rowCount ?? 0
    } catch (error) {
      return (error as { code: string }).code
    }
  })
}

describe.each(Object.entries(tables))('%s', (table, known) => {
  const { tenant } = known

  describe('fairway_app', () => {
    test('select: its own rows only, and none without a scope', async () => {
      expect(await outcome(app, mine, `select from ${table} where ${tenant} = $1`, [mine])).toBe(1)
      expect(await outcome(app, mine, `select from ${table}`)).toBe(1)
      expect(await outcome(app, mine, `select from ${table} where ${tenant} = $1`, [theirs])).toBe(0)
      expect(await outcome(app, undefined, `select from ${table}`)).toBe(0)
    })

    test('insert: not into another tenant, nor without a scope', async () => {
      const row = await asRole(app, theirs, async (client) => {
        const { rows } = await client.query(`select to_jsonb(t) as row from ${table} t`)
        return JSON.stringify(rows[0]?.row)
      })
      const insert = insertWhole(table, row)
      // In its own scope the row gets past the policy, as far as its key.
      expect(await outcome(app, theirs, insert, [row])).toBe('23505')
      expect(await outcome(app, mine, insert, [row])).toBe(denied)
      expect(await outcome(app, undefined, insert, [row])).toBe(denied)
    })

    test('update: not another tenant’s rows, and none over to it', async () => {
      const touch = `update ${table} set ${tenant} = ${tenant} where ${tenant} = $1`
      expect(await outcome(app, mine, touch, [mine])).toBe(known.update ? 1 : denied)
      expect(await outcome(app, mine, touch, [theirs])).toBe(known.update ? 0 : denied)
      expect(await outcome(app, undefined, touch, [mine])).toBe(known.update ? 0 : denied)
      const move = `update ${table} set ${tenant} = $2 where ${tenant} = $1`
      expect(await outcome(app, mine, move, [mine, theirs])).toBe(denied)
    })

    test('delete: not another tenant’s rows', async () => {
      const remove = `delete from ${table} where ${tenant} = $1`
      expect(await outcome(app, mine, remove, [mine])).toBe(known.delete ? 1 : denied)
      expect(await outcome(app, mine, remove, [theirs])).toBe(known.delete ? 0 : denied)
      expect(await outcome(app, undefined, remove, [mine])).toBe(known.delete ? 0 : denied)
    })
  })

  describe('fairway_scheduler', () => {
    test('select: the columns set apart for it, of all tenants, and no other', async () => {
      const columns = await asRole(app, mine, async (client) => {
        const { fields } = await client.query(`select * from ${table} limit 0`)
        return fields.map(({ name }) => name)
      })
      for (const column of columns) {
        const seen = await outcome(scheduler, undefined, `select ${column} from ${table}`)
        expect(seen, column).toBe(known.scheduler.includes(column) ? 2 : denied)
      }
    })

    test.each([
      ['insert', `insert into ${table} default values`],
      ['update', `update ${table} set ${tenant} = null`],
      ['delete', `delete from ${table}`],
    ])('%s: never', async (_, sql) => {
      expect(await outcome(scheduler, mine, sql)).toBe(denied)
    })
  })
})

test.each(Object.entries(serverTables))(
  '%s, no tenant’s: nothing but what is listed',
  async (table, verbs) => {
    const held = await query<{ role: string; verb: string }>(
      database.ownerUrl,
      `select role, verb from unnest($2::text[]) role,
       unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) verb
     where case when verb in ('delete', 'truncate', 'trigger') then has_table_privilege(role, $1, verb)
           else has_any_column_privilege(role, $1, verb) end`,
      [table, Object.values(templateRoles())],
    )
    const { app, scheduler } = templateRoles()
    const seen = schedulerSees.includes(table) ? [{ role: scheduler, verb: 'select' }] : []
    expect(held).toEqual([...verbs.map((verb) => ({ role: app, verb })), ...seen])
  },
)
