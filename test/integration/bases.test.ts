import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import pino from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Base } from '../../agent/bases/bases.ts'
import { createIdleness } from '../../agent/bases/idleness.ts'
import { keepBases, tendBases } from '../../agent/bases/keep-bases.ts'
import { resolveImage } from '../../agent/containers/images.ts'
import { describePostgresImage } from '../../agent/containers/postgres-image.ts'
import { verifyPassword } from '../../agent/passwords/verify-password.ts'
import { CellStage, CreateCellTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { createOdooHost, type OdooHost } from '../support/odoo-host.ts'
import { registry } from '../support/odoo-services.ts'
import { createTask, type RecordedTask } from '../support/task-context.ts'
import { waitFor } from '../support/wait-for.ts'

// What new databases begin with: made by the real Odoo of an image, and compared with what it installs by itself. The cases
// share the host's base and go in order.

let host: OdooHost
let image: string
const log = pino({ level: 'silent' })
const never = new AbortController().signal
const wanted = ['base', 'web', 'contacts']
const postgresImage = `${registry}/fairway/postgres:18`

beforeAll(async () => {
  host = await createOdooHost()
  image = (await resolveImage(host.services.docker, `${registry}/fairway/odoo:19.0`)).reference
}, 60_000)
afterAll(() => host?.[Symbol.asyncDispose](), 60_000)

/** Odoo installs more than that by itself, and a resolved project says so: all that the image's own `base` brings. */
const closure = (base: readonly string[]) => [...new Set([...wanted, ...base])].sort()

async function createFor(
  modules: readonly string[],
  task: RecordedTask = createTask(),
  cellId = randomUUID(),
) {
  const input = create(CreateCellTaskSchema, {
    cellId,
    environmentId: randomUUID(),
    stage: CellStage.DEVELOPMENT,
    postgresImage,
    base: { image, demo: true, modules: [...modules] },
  })
  return { cellId, task, output: await host.run('createCell', input, task) }
}

const install = (cellId: string, modules: readonly string[]) =>
  host.apply({
    cellId,
    image,
    install: [...modules],
    demo: true,
    expectInstalled: [...modules],
    baseImage: image,
    addons: {},
  })

type Texts = Map<string, Set<string>>

/** All text of a database, by table and column. */
async function textsOf(cellId: string): Promise<Texts> {
  const columns = await host.query<{ table: string; column: string }>(
    cellId,
    `select table_name as table, column_name as column from information_schema.columns c
       join information_schema.tables using (table_schema, table_name)
      where table_schema = 'public' and table_type = 'BASE TABLE' and c.data_type in ('text', 'character varying')`,
  )
  const texts: Texts = new Map()
  for (const { table, column } of columns) {
    const rows = await host.query<{ value: string }>(
      cellId,
      `select distinct "${column}" as value from "${table}" where "${column}" <> ''`,
    )
    texts.set(`${table}.${column}`, new Set(rows.map(({ value }) => value)))
  }
  return texts
}

/** What a database is made of, as Odoo has it on record. */
async function shapeOf(cellId: string) {
  const list = async (text: string) =>
    (await host.query<{ line: string }>(cellId, text)).map(({ line }) => line)
  return {
    modules: await list(
      `select concat_ws(' ', name, state, latest_version, demo) as line from ir_module_module order by name`,
    ),
    fields: await list(
      `select concat_ws(' ', model, name, ttype, relation, store, required) as line from ir_model_fields order by model, name`,
    ),
    names: await list(
      `select concat_ws(' ', module, name, model, noupdate) as line from ir_model_data order by module, name, model`,
    ),
    columns: await list(
      `select concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default) as line
         from information_schema.columns where table_schema = 'public' order by table_name, column_name`,
    ),
    indexes: await list(`select indexdef as line from pg_indexes where schemaname = 'public' order by 1`),
    constraints: await list(
      `select conrelid::regclass || ' ' || pg_get_constraintdef(oid) as line from pg_constraint
        where connamespace = 'public'::regnamespace order by 1`,
    ),
    parameters: await list('select key as line from ir_config_parameter order by key'),
    users: await list('select login as line from res_users order by login'),
  }
}

const parameter = async (cellId: string, key: string) =>
  (
    await host.query<{ value: string }>(cellId, 'select value from ir_config_parameter where key = $1', [key])
  )[0]?.value

const fresh: string[] = []
let base: Base
const copies: string[] = []

test('without a base a cell is empty, and the host remembers what it was asked for', async () => {
  expect(await host.services.bases.listWanted()).toEqual([])
  for (const _ of [1, 2]) {
    const { cellId, output, task } = await createFor(wanted)
    expect(output.base).toBeUndefined()
    expect(task.warnings).toEqual([])
    fresh.push(cellId)
  }
  const asked = [expect.objectContaining({ image, demo: true, postgresMajor: 18 })]
  expect(await host.services.bases.listWanted()).toEqual(asked)
  // By tag, as a server says what its projects build on: the same.
  const odooImage = `${registry}/fairway/odoo:19.0`
  await host.services.bases.expect({ odooImage, postgresImage }, never)
  expect(await host.services.bases.listWanted()).toEqual(asked)
  await host.services.bases.expect({ odooImage: `${registry}/fairway/absent:1`, postgresImage }, never)
  expect(await host.services.bases.listWanted()).toEqual(asked)
}, 60_000)

test('one that is interrupted leaves nothing, and is made once the host is idle again', async () => {
  const { services } = host
  const cells = async () => (await services.pool.listCells()).map(({ id }) => id).sort()
  const before = await cells()
  const stop = new AbortController()
  const idleness = createIdleness(1)
  const keeping = keepBases(services, idleness, log, stop.signal)
  const begun = async () => (await cells()).length > before.length
  await waitFor('the making of a base', begun, 60_000)
  const work = Promise.withResolvers<void>()
  const task = idleness.during(() => work.promise)
  await waitFor('the end of what was begun', async () => (await cells()).join() === before.join(), 60_000)
  expect(await services.bases.list()).toEqual([])
  work.resolve()
  await task
  await waitFor('the base', async () => (await services.bases.list()).length > 0, 180_000)
  await waitFor('its cell to be gone', async () => (await cells()).join() === before.join(), 60_000)
  stop.abort()
  await keeping
  ;[base] = (await services.bases.list()) as [Base]
  expect(base).toMatchObject({ purpose: 'base', quiesced: true, base: { image, demo: true } })
  expect(base.base.modules).toEqual(expect.arrayContaining(['base', 'web']))
  expect(base.base.modules).not.toContain('contacts')
}, 300_000)

test('what an agent that was killed in the middle leaves goes with its next start, and no base is there before', async () => {
  const { services } = host
  const environmentId = randomUUID()
  const cell = await services.cells.create(
    {
      id: randomUUID(),
      environmentId,
      stage: 'development',
      postgresImage,
      limits: { memoryBytes: 384 * 1024 ** 2, milliCpus: 0, maxProcesses: 256 },
      throwaway: true,
    },
    createTask().context,
  )
  await mkdir(join(services.pool.root, 'making', `${randomUUID()}.1`))
  const orphans = await services.cells.collectOrphans({ isBusy: () => false }, never)
  expect(orphans.map(({ kind }) => kind).sort()).toEqual(['cell', 'making'])
  expect(await services.pool.findCell(cell.id)).toBeUndefined()
  expect((await services.bases.list()).map(({ id }) => id)).toEqual([base.id])
}, 60_000)

test('a copy becomes what a fresh installation is', async () => {
  for (const _ of [1, 2]) {
    const { cellId, output } = await createFor(closure(base.base.modules))
    expect(output.base).toMatchObject({ id: base.id, modules: base.base.modules })
    copies.push(cellId)
  }
  const [copy, other] = copies as [string, string]
  const left = closure(base.base.modules).filter((name) => !base.base.modules.includes(name))
  const applied = await install(copy, left)
  expect(applied.contents).toMatchObject({ recorded: true, baseImage: image })
  await install(fresh[0]!, closure(base.base.modules))
  expect(await shapeOf(copy)).toEqual(await shapeOf(fresh[0]!))

  // Where nothing is left to install, Odoo is not started.
  const nothing = await host.apply({ cellId: other, image, expectInstalled: [...base.base.modules] })
  expect(nothing.installed).toEqual(base.base.modules)
}, 300_000)

test('two copies share no secret, neither with each other nor with the base', async () => {
  await install(copies[1]!, ['contacts'])
  await install(fresh[1]!, closure(base.base.modules))
  for (const key of ['database.secret', 'database.uuid']) {
    const values = await Promise.all([...copies, ...fresh].map((cellId) => parameter(cellId, key)))
    expect(values.every((value) => /^[0-9a-f-]{36}$/.test(value ?? ''))).toBe(true)
    expect(new Set(values).size).toBe(4)
  }
  const made = Date.parse(`${await parameter(copies[0]!, 'database.create_date')}Z`)
  expect(made).toBeGreaterThan(Date.parse(base.takenAt))
  for (const cellId of copies) {
    const [admin] = await host.query<{ password: string }>(
      cellId,
      `select password from res_users where login = 'admin'`,
    )
    expect(await verifyPassword('admin', admin?.password ?? '')).toBe(true)
  }

  // Whatever Odoo makes for each database anew, another one does not have: here it is found by comparing two fresh ones.
  const [one, two] = (await Promise.all(fresh.map(textsOf))) as [Texts, Texts]
  const [left, right] = (await Promise.all(copies.map(textsOf))) as [Texts, Texts]
  const own = [...one].flatMap(([place, values]) =>
    [...values].filter((value) => !two.get(place)?.has(value)).map(() => place),
  )
  expect(own).toEqual(expect.arrayContaining(['ir_config_parameter.value', 'res_users.password']))
  for (const place of new Set(own)) {
    const inBoth = [...(left.get(place) ?? [])].filter((value) => right.get(place)?.has(value))
    const inFresh = [...(one.get(place) ?? [])].filter((value) => two.get(place)?.has(value))
    expect({ place, inBoth: inBoth.sort() }).toEqual({ place, inBoth: inFresh.sort() })
  }
}, 300_000)

test('a task that is taken up again gives the same cell, with a secret of its own', async () => {
  const { cellId, task, output } = await createFor(closure(base.base.modules))
  const again = await createFor(closure(base.base.modules), task.resume(), cellId)
  expect(again.output.base?.id).toBe(output.base?.id)
  expect(await parameter(cellId, 'database.secret')).not.toBe(await parameter(copies[0]!, 'database.secret'))
}, 60_000)

test('a project that brings a module of the base itself, or production, gets none', async () => {
  const { output, cellId } = await createFor(closure(base.base.modules).filter((name) => name !== 'web'))
  expect(output.base).toBeUndefined()
  expect(await host.query(cellId, `select from pg_class where relname = 'ir_module_module'`)).toEqual([])
  const production = create(CreateCellTaskSchema, {
    cellId: randomUUID(),
    environmentId: randomUUID(),
    stage: CellStage.PRODUCTION,
    postgresImage,
    base: { image, demo: true, modules: [...base.base.modules] },
  })
  await expect(host.run('createCell', production)).rejects.toMatchObject({ reason: 'bad-input' })
}, 60_000)

test('a damaged one is removed, and the cell begins empty', async () => {
  const control = join(base.paths.content, 'data', 'global', 'pg_control')
  await writeFile(control, Buffer.alloc(8_192))
  const { cellId, output, task } = await createFor(closure(base.base.modules))
  expect(output.base).toBeUndefined()
  expect(task.warnings).toEqual([expect.stringMatching(/^the database was installed from the beginning: /)])
  expect(await host.query(cellId, `select from pg_class where relname = 'ir_module_module'`)).toEqual([])
  expect(await host.services.bases.list()).toEqual([])
}, 120_000)

test('nobody asked for what is there: it goes; what can’t be made is not tried again and again', async () => {
  const { services } = host
  const { reference, major } = await describePostgresImage(services.docker, postgresImage, never)
  const failedAt = new Map<string, number>()
  // An image that is here and holds no Odoo.
  await services.bases.find({ image: reference, postgresImage, demo: false }, never)
  const [first] = await services.bases.listWanted()
  expect(first).toMatchObject({ image: reference, postgresMajor: major })
  // The other one was asked for as well; it is not made here.
  const only = { ...services, bases: { ...services.bases, listWanted: async () => [first!] } }
  await tendBases(only, failedAt, log, never)
  expect(failedAt.size).toBe(1)
  const [[id, at] = ['', 0]] = failedAt
  await tendBases(only, failedAt, log, never)
  expect(failedAt.get(id)).toBe(at)
  expect(await services.pool.listSnapshots()).toEqual([])
}, 120_000)
