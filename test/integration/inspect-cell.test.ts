import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resolveImage } from '../../agent/containers/images.ts'
import { isPostgresRunning } from '../../agent/containers/postgres.ts'
import { DATABASE } from '../../agent/database/names.ts'
import { createTaskHandlers, type TaskHandlers } from '../../agent/tasks/registry.ts'
import {
  ApplyModulesTaskSchema,
  CellStage,
  CreateCellTaskSchema,
  InspectCellTaskSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { createTestServices, registry, type TestServices } from '../support/odoo-services.ts'
import { connectSuperuser, withSuperuser } from '../support/superuser.ts'
import { createTask } from '../support/task-context.ts'

let services: TestServices
let handlers: TaskHandlers
const cellId = randomUUID()

beforeAll(async () => {
  services = await createTestServices()
  handlers = createTaskHandlers(services)
  const image = { postgresImage: `${registry}/fairway/postgres:18`, stage: CellStage.PRODUCTION }
  const made = create(CreateCellTaskSchema, { cellId, environmentId: randomUUID(), ...image })
  await handlers.createCell(made, createTask().context)
  const base = create(ApplyModulesTaskSchema, {
    cellId,
    image: (await resolveImage(services.docker, `${registry}/fairway/odoo:19.0`)).reference,
    install: ['base'],
  })
  await handlers.applyModules(base, createTask().context)
}, 240_000)
afterAll(() => services?.[Symbol.asyncDispose](), 60_000)

const inspect = (since?: Date) =>
  handlers.inspectCell(
    create(InspectCellTaskSchema, { cellId, ...(since && { changedSince: timestampFromDate(since) }) }),
    createTask().context,
  )
async function sql(...texts: string[]): Promise<void> {
  const cell = await services.pool.requireCell(cellId)
  await withSuperuser(
    cell,
    async (database) => {
      for (const text of texts) await database.query(text)
    },
    { database: DATABASE },
  )
}
const utc = "now() at time zone 'utc'"
// Whole milliseconds, as everywhere on the wire, and later than the installation.
const moment = () => new Date(Date.now() + 1)

test('what people wrote since is counted by table; house-keeping and what was there before are not', async () => {
  const since = moment()
  expect(await inspect(since)).toMatchObject({ changes: [], changedRows: 0n, uncountedTables: [] })
  await sql(
    `update res_partner set write_date = ${utc} where id in (1, 3)`,
    `insert into res_country_group (name, create_date, write_date) values ('{"en_US":"x"}', ${utc}, ${utc})`,
    `insert into res_users_log (create_uid, create_date, write_date) values (1, ${utc}, ${utc})`,
    `insert into ir_attachment (name, type, res_model, url, create_date, write_date) values
       ('bundle', 'binary', 'ir.ui.view', '/web/assets/1/x.js', ${utc}, ${utc}),
       ('letter', 'binary', 'res.partner', null, ${utc}, ${utc})`,
    `update ir_cron set write_date = ${utc}`,
  )
  const output = await inspect(since)
  expect(output.changes).toMatchObject([
    { table: 'res_partner', rows: 2n },
    { table: 'ir_attachment', rows: 1n },
    { table: 'res_country_group', rows: 1n },
  ])
  expect(output).toMatchObject({ changedRows: 4n, uncountedTables: [] })
  const last = output.lastChange && timestampDate(output.lastChange).getTime()
  expect(last).toBeGreaterThanOrEqual(since.getTime())
  expect(last).toBeLessThanOrEqual(Date.now())
  expect(output.databaseBytes).toBeGreaterThan(10_000_000n)
}, 60_000)

test('a table that others hold is named, and the rest is counted', async () => {
  const since = moment()
  await sql(`update res_partner set write_date = ${utc}`, `update res_company set write_date = ${utc}`)
  const client = await connectSuperuser(await services.pool.requireCell(cellId), { database: DATABASE })
  try {
    await client.query('begin; lock table res_partner in access exclusive mode')
    const output = await inspect(since)
    expect(output.uncountedTables).toEqual(['res_partner'])
    expect(output.changes).toMatchObject([{ table: 'res_company', rows: 1n }])
  } finally {
    await client.end()
  }
}, 60_000)

test('what the database’s owner has put in the way is not run', async () => {
  await sql(
    'create table stolen (by text)',
    `create function public.steal() returns bool language plpgsql as
       $$ begin insert into stolen values (current_user); return true; end $$`,
    'create function public.max(timestamp) returns timestamp language sql as $$ select steal(); select $1 $$',
    'create view public.trap as select now()::timestamp as create_date, now()::timestamp as write_date, steal()',
    'create table public."a""b; drop table stolen" (create_date timestamp, write_date timestamp)',
  )
  const output = await inspect(new Date(0))
  expect(output.uncountedTables).toEqual([])
  expect(output.changes).toHaveLength(20)
  await sql('do $$ begin assert (select count(*) = 0 from stolen); end $$')
}, 60_000)

test('a cell that is down is looked at and is down again', async () => {
  await services.cells.stop(cellId, new AbortController().signal)
  expect(await inspect()).toMatchObject({ changes: [], changedRows: 0n })
  expect(await isPostgresRunning(services.docker, cellId)).toBe(false)
}, 60_000)

test('several looks at a cell that is down neither meet nor leave it up', async () => {
  await services.cells.stop(cellId, new AbortController().signal)
  const looks = await Promise.all([1, 2, 3].map(() => inspect(new Date(0))))
  for (const look of looks) expect(look.changes.length).toBeGreaterThan(0)
  expect(await isPostgresRunning(services.docker, cellId)).toBe(false)
}, 60_000)

test('a look that is cancelled leaves the cell down as well', async () => {
  const task = createTask()
  const looking = services.cells.visit(cellId, task.context.signal, async () => {
    task.abort('cancelled')
    task.context.signal.throwIfAborted()
  })
  await expect(looking).rejects.toThrow('cancelled')
  expect(await isPostgresRunning(services.docker, cellId)).toBe(false)
}, 60_000)
