import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { create, fromJsonString } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { DATABASE } from '../../agent/database/names.ts'
import { createTaskHandlers, type TaskHandlers } from '../../agent/tasks/registry.ts'
import {
  ApplyModulesTaskSchema,
  CellStage,
  CreateCellTaskSchema,
  UpdateObservationSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { buildAddonImage } from '../support/addon-image.ts'
import { type GitServer, startGitServer } from '../support/git-server.ts'
import { growingAddons } from '../support/growing-addons.ts'
import { createTestServices, registry, type TestServices } from '../support/odoo-services.ts'
import { withSuperuser } from '../support/superuser.ts'
import { createTask, type RecordedTask } from '../support/task-context.ts'

// Updates of one real Odoo from a first version of three addons to the next. The cases go in order.

let services: TestServices
let handlers: TaskHandlers
let server: GitServer
const images: string[] = []
const cellId = randomUUID()

beforeAll(async () => {
  services = await createTestServices()
  handlers = createTaskHandlers(services)
  server = await startGitServer()
  const repository = await server.createRepository('shop')
  for (const version of [1, 2] as const)
    images.push(await buildAddonImage(handlers, repository, growingAddons(version)))
  await handlers.createCell(
    create(CreateCellTaskSchema, {
      cellId,
      environmentId: randomUUID(),
      stage: CellStage.DEVELOPMENT,
      postgresImage: `${registry}/fairway/postgres:18`,
    }),
    createTask().context,
  )
  const modules = ['fw_grow', 'fw_fails', 'fw_view']
  await handlers.applyModules(
    create(ApplyModulesTaskSchema, { cellId, image: images[0], install: modules }),
    createTask().context,
  )
  await sql("insert into fw_grow (name, amount) select 'n' || i, i from generate_series(1, 50000) i")
}, 240_000)

afterAll(async () => {
  const docker = services?.docker.docker
  const ids = await Promise.all(images.map(async (image) => (await docker.getImage(image).inspect()).Id))
  await services?.[Symbol.asyncDispose]()
  for (const id of ids) await docker.getImage(id).remove({ force: true })
  await server?.[Symbol.asyncDispose]()
}, 60_000)

async function sql(text: string): Promise<void> {
  const cell = await services.pool.requireCell(cellId)
  await withSuperuser(cell, (database) => database.query(text), { database: DATABASE })
}
const update = (module: string, task: RecordedTask = createTask()) =>
  handlers.applyModules(
    create(ApplyModulesTaskSchema, { cellId, image: images[1], update: [module], observe: true }),
    task.context,
  )
const kept = (task: RecordedTask) =>
  fromJsonString(UpdateObservationSchema, task.artifacts.get('observation.json') ?? '')

test('an update that fails keeps what was seen of it', async () => {
  const task = createTask()
  await expect(update('fw_fails', task)).rejects.toMatchObject({
    reason: 'update-failed',
    message: expect.stringContaining('these data are not what they should be'),
  })
  const seen = kept(task)
  expect(seen.versions).toEqual([
    expect.objectContaining({ module: 'fw_fails', after: '19.0.1.0', scripts: ['1.1/post-fail.py'] }),
  ])
  const lock = seen.locks.find(({ table }) => table === 'fw_grow')
  expect(lock?.mode).toBe('ExclusiveLock')
  expect(Number(lock?.heldMs)).toBeGreaterThan(600)
  expect(seen.issues.map(({ level }) => level)).toContain('CRITICAL')
  expect(seen).toMatchObject({ schema: [], rewrittenTables: [], omissions: [] })
}, 90_000)

test('one that changes only a view says so', async () => {
  const { observation } = await update('fw_view')
  expect(observation?.deactivatedViews).toEqual(['fw_view.extra'])
  expect(observation?.versions).toEqual([
    expect.objectContaining({ module: 'fw_view', before: '19.0.1.0', after: '19.0.1.1', scripts: [] }),
  ])
  expect(observation).toMatchObject({ schema: [], rewrittenTables: [], omissions: [], estimatedTables: [] })
  expect(observation?.rowCounts.filter(({ table }) => table.startsWith('fw_'))).toEqual([])
}, 90_000)

test('columns, rewritten tables, locks, rows and scripts are told, though the agent was away for a while', async () => {
  const first = createTask()
  const killed = update('fw_grow', first)
  await vi.waitFor(() => expect(first.lines.some(({ text }) => text.includes('pre-widen'))).toBe(true), {
    timeout: 60_000,
    interval: 20,
  })
  first.abort('shutdown')
  await expect(killed).rejects.toMatchObject({ why: 'shutdown' })
  const task = first.resume()
  const { observation } = await update('fw_grow', task)

  expect(observation?.schema).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        kind: 'column',
        change: 'added',
        table: 'fw_grow',
        name: 'rank',
        detail: 'integer',
      }),
      expect.objectContaining({ name: 'legacy', detail: 'double precision default random()' }),
      expect.objectContaining({
        change: 'changed',
        name: 'name',
        detail: 'character varying → character varying not null',
      }),
      expect.objectContaining({ kind: 'index', change: 'added', table: 'fw_grow' }),
    ]),
  )
  expect(observation?.rewrittenTables.map(({ table }) => table)).toEqual(['fw_grow'])
  expect(observation?.rowCounts).toEqual(
    expect.arrayContaining([expect.objectContaining({ table: 'fw_grow', before: 50000n, after: 45000n })]),
  )
  expect(observation?.versions).toEqual([
    expect.objectContaining({
      module: 'fw_grow',
      before: '19.0.1.0',
      after: '19.0.1.1',
      scripts: ['19.0.1.1/pre-widen.py', '1.1/post-thin.py'],
    }),
  ])
  const lock = observation?.locks.find(({ table }) => table === 'fw_grow')
  expect(lock?.mode).toBe('AccessExclusiveLock')
  expect(Number(observation?.odooMs)).toBeGreaterThan(2_000)
  expect(observation?.issues).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ level: 'WARNING', sample: "5000 rows of 'fw_grow' are gone", count: 1 }),
    ]),
  )
  expect(observation?.omissions).toEqual([
    expect.stringMatching(/^locks were not watched before 20.*, as the agent restarted$/),
  ])
  expect(kept(task)).toEqual(observation)
  const tasks = join(services.workDirectory, 'tasks')
  expect(existsSync(tasks) ? await readdir(tasks) : []).toEqual([])
}, 120_000)
