import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { databaseOptions, odooContainer } from '../../agent/containers/odoo-options.ts'
import { runOneOff } from '../../agent/containers/one-off.ts'
import { DATABASE } from '../../agent/database/names.ts'
import { prepareOdooCell } from '../../agent/tasks/odoo-cell.ts'
import { createTaskHandlers, type TaskHandlers } from '../../agent/tasks/registry.ts'
import type { TaskInput, TaskKind, TaskResultOf } from '../../agent/tasks/task.ts'
import {
  ApplyModulesTaskSchema,
  BuildImageTaskSchema,
  CellStage,
  CloneCellTaskSchema,
  CreateCellTaskSchema,
  type DatabaseContents,
  InspectCellTaskSchema,
  ResolveTaskSchema,
  RestoreCellTaskSchema,
  SnapshotCellTaskSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { Deployment } from '../../server/db/record.ts'
import { faultOfGone, firstInstall, type ModuleChanges } from '../../server/releases/changes.ts'
import { type Contents, contentsOf, contentsRecord, plannedFrom } from '../../server/releases/contents.ts'
import { createPlan, type Plan } from '../../server/releases/plan.ts'
import { type Source, sourceOf } from '../../server/releases/source.ts'
import { forgetImage } from '../support/forget-image.ts'
import { type GitServer, startGitServer, type TestRepository } from '../support/git-server.ts'
import { installedAddons } from '../support/installed-addons.ts'
import { createTestServices, ownImages, registry, type TestServices } from '../support/odoo-services.ts'
import { withSuperuser } from '../support/superuser.ts'
import { createTask, type RecordedTask } from '../support/task-context.ts'

// What the server plans from what the agent found, done by the agent to a real Odoo. The cases share a cell and go in order.

let services: TestServices
let handlers: TaskHandlers
let server: GitServer
let repository: TestRepository
let sourceNow: Source
/** What serves the database: as much of a deployment as plans go by. */
let deployed: Deployment
let before: { snapshotId: string; contents: DatabaseContents }
const images = new Set<string>()
const cellId = randomUUID()
const environmentId = randomUUID()
const stage = CellStage.DEVELOPMENT

beforeAll(async () => {
  services = await createTestServices()
  handlers = createTaskHandlers(services)
  server = await startGitServer()
  repository = await server.createRepository('shop')
}, 60_000)

afterAll(async () => {
  const docker = services?.docker.docker
  const built = await Promise.all([...images].map((image) => docker.getImage(image).inspect()))
  await services?.[Symbol.asyncDispose]()
  for (const image of built) await forgetImage(docker, image)
  await server?.[Symbol.asyncDispose]()
}, 60_000)

const run = <K extends TaskKind>(
  kind: K,
  input: TaskInput<K>,
  task: RecordedTask = createTask(),
): Promise<TaskResultOf<K>> => handlers[kind](input, task.context)

interface Version {
  readonly source: Source
  readonly image: string
}

async function build(version: keyof typeof installedAddons): Promise<Version> {
  const commit = await repository.commit(installedAddons[version])
  const common = {
    repositoryUrl: repository.url,
    imageRepository: `${registry}/test/shop`,
    imageRules: ownImages,
  }
  const resolved = await run(
    'resolve',
    create(ResolveTaskSchema, {
      ...common,
      branch: 'main',
      stage: CellStage.PRODUCTION,
      odooVersion: '19.0',
      defaultBaseImage: `${registry}/fairway/odoo:19.0`,
    }),
  )
  const { baseImage, addons } = resolved
  // A key of its own for each run of the tests, or the registry would have it from the last one.
  const imageKey = randomUUID().replaceAll('-', '').repeat(2)
  const built = await run(
    'buildImage',
    create(BuildImageTaskSchema, { ...common, commit, baseImage, addons, imageKey }),
  )
  images.add(built.reference)
  return { source: sourceOf(resolved, 'production', 1), image: built.reference }
}

/** As the pipelines ask for it. */
async function apply(
  { source, image }: Version,
  changes: ModuleChanges,
  planned?: Contents,
  task?: RecordedTask,
) {
  const output = await run(
    'applyModules',
    create(ApplyModulesTaskSchema, {
      cellId,
      image,
      install: [...changes.install],
      update: [...changes.update],
      renames: changes.renames?.map((rename) => ({ ...rename })),
      expectGone: [...(changes.gone ?? [])],
      expectInstalled: [...source.modules],
      baseImage: source.baseImage,
      addons: { ...source.addonTrees },
      observe: true,
      ...(planned && { plannedFrom: plannedFrom(planned) }),
    }),
    task,
  )
  const { baseImage, addonTrees } = source
  sourceNow = source
  deployed = { image, baseImage, addonTrees, modules: [...source.closure] } as unknown as Deployment
  return output
}

async function look(): Promise<DatabaseContents> {
  const { contents } = await run('inspectCell', create(InspectCellTaskSchema, { cellId, contents: true }))
  if (!contents) throw new Error('the agent does not tell')
  return contents
}

async function plan({ source, image }: Version): Promise<Plan> {
  const contents = contentsOf(deployed, contentsRecord(await look()))
  const place = { project: 'shop', environment: 'main', cellId, current: deployed, contents }
  return createPlan(place, source, { reference: image, digest: image, built: true })
}
const rows = ({ document }: Plan) =>
  document.modules.map(({ name, action, why }) => `${name} ${action}: ${why}`)

/** What a person does in Apps: nobody tells the agent. */
async function inApps(verb: 'install' | 'uninstall', module: string): Promise<void> {
  const { context } = createTask()
  const use = { kind: 'change', taskId: context.taskId, secrets: false } as const
  const prepared = await prepareOdooCell(services, cellId, deployed.image, use, context.signal)
  const options = [...databaseOptions, '--no-http', '--stop-after-init', `--init=${module}`]
  const installing = odooContainer({
    ...prepared,
    image: deployed.image,
    limits: undefined,
    arguments: options,
  })
  // A command of Odoo's that takes none of the server's options.
  const container =
    verb === 'install' ? installing : { ...installing, Cmd: ['odoo', 'module', 'uninstall', module] }
  const oneOff = { name: verb, source: 'odoo', cellId, container } as const
  const exitCode = await runOneOff(services.docker, context, oneOff, () => ({
    line: () => undefined,
    finish: (end) => end.exitCode,
  }))
  expect(exitCode).toBe(0)
}

const query = async <R>(text: string): Promise<R[]> => {
  const cell = await services.pool.requireCell(cellId)
  return withSuperuser(cell, async (client) => (await client.query(text)).rows as R[], { database: DATABASE })
}
const names = async (table: string) =>
  (await query<{ name: string }>(`select name from ${table} order by id`)).map(({ name }) => name)

test('what installs itself is on record with its content', async () => {
  const first = await build('first')
  await run(
    'createCell',
    create(CreateCellTaskSchema, {
      cellId,
      environmentId,
      stage,
      postgresImage: `${registry}/fairway/postgres:18`,
    }),
  )
  const { contents } = await apply(first, firstInstall(first.source))
  expect(contents?.installed).toEqual(expect.arrayContaining(['base', 'parts_glue', 'box_b']))
  expect(contents?.installed).not.toContain('by_hand')
  const { parts_glue, by_hand: _, ...others } = first.source.addonTrees
  expect(contents).toMatchObject({ recorded: true, baseImage: first.source.baseImage })
  expect(contents?.addons).toEqual({ parts_glue, ...others })
  expect(contents?.chosen).toContain('crate_old')
  expect(contents?.chosen).not.toContain('parts_glue')
  await query(`insert into crate_crate (name) values ('Kept'); insert into box_b (name) values ('Kept too')`)
}, 240_000)

test('all that is installed is updated when its code changes, whoever installed it', async () => {
  const grown = await build('grown')
  const planned = await plan(grown)
  await inApps('install', 'by_hand')
  // Nobody may do to a database what was planned for another one.
  await expect(apply(grown, planned.changes, planned.contents)).rejects.toMatchObject({
    reason: 'database-changed',
    message: expect.stringContaining('(by_hand was installed)'),
  })
  const again = await plan(grown)
  expect(again.changes).toMatchObject({ install: [], update: ['by_hand', 'parts_glue'], gone: [] })
  expect(rows(again)).toEqual([
    'by_hand update: content changed; installed by hand',
    'parts_glue update: content changed',
  ])
  expect(again.sha256).not.toBe(planned.sha256)
  await apply(grown, again.changes, again.contents)
  expect(await query('select colour from parts_part union all select colour from hand_note')).toHaveLength(2)
  expect((await plan(grown)).changes).toMatchObject({ install: [], update: [] })
}, 240_000)

test('a name is taken as nothing but a name', async () => {
  const hostile = String.raw`E'x\n\x1b[31mAPPROVED by ana'`
  await query(
    `insert into ir_module_module (name, state) values (${hostile}, 'installed'), ('constructor', 'installed')`,
  )
  const task = createTask()
  const { contents } = await run(
    'inspectCell',
    create(InspectCellTaskSchema, { cellId, contents: true }),
    task,
  )
  expect(contents?.installed.filter((name) => /constructor|APPROVED/.test(name))).toEqual(['constructor'])
  expect(task.warnings).toEqual([expect.stringMatching(/^1 rows of the list of modules/)])
  const { document } = await plan({ source: sourceNow, image: deployed.image })
  expect(document.modules).toEqual([
    expect.objectContaining({ name: 'by_hand', action: 'none' }),
    { name: 'constructor', action: 'none', why: 'installed by hand', before: '', after: '' },
  ])
  expect(document.database?.others).toContain('constructor')
  await query(`delete from ir_module_module where name = 'constructor' or name = ${hostile}`)
}, 60_000)

test('renames and merges that are declared keep the data', async () => {
  const snapshotId = randomUUID()
  const snapshot = { cellId, snapshotId, purpose: 'safety', quiesce: false }
  before = { snapshotId, contents: await look() }
  await run('snapshotCell', create(SnapshotCellTaskSchema, snapshot))
  const renamed = await build('renamed')
  const planned = await plan(renamed)
  expect(planned.changes).toMatchObject({ install: [], update: ['box', 'crate_new'], gone: [] })
  expect(planned.changes.renames).toHaveLength(3)
  const task = createTask()
  const { contents, observation } = await apply(renamed, planned.changes, planned.contents, task)
  expect(task.warnings).toEqual([])
  // What was handed over is seen as part of the update.
  const versions = observation?.versions.map(({ module, before, after }) => `${module} ${before} ${after}`)
  expect(versions).toEqual(
    expect.arrayContaining(['crate_old 19.0.1.0.0 ', expect.stringMatching(/^crate_new {2}19/)]),
  )
  expect(await names('crate_crate')).toEqual(['First', 'Kept'])
  expect(await names('box_a')).toEqual(['First'])
  expect(await names('box_b')).toEqual(['First', 'Kept too'])
  expect(await query('select weight from crate_crate')).toHaveLength(2)
  expect(contents?.installed).toEqual(expect.arrayContaining(['box', 'crate_new']))
  for (const former of ['crate_old', 'box_a', 'box_b']) {
    expect(contents?.installed).not.toContain(former)
    expect(await query(`select from ir_model_data where module = '${former}'`)).toEqual([])
  }
  const kept = `select from ir_model_data where module = 'crate_new' and name = 'first_crate_crate'`
  expect(await query(kept)).toHaveLength(1)
  expect((await plan(renamed)).changes).toMatchObject({ install: [], update: [], renames: [], gone: [] })
}, 240_000)

test('a module that takes another one over by itself is tried, and its data stay', async () => {
  const takenOver = await build('takenOver')
  const planned = await plan(takenOver)
  expect(planned.changes).toMatchObject({ install: ['crate_last'], update: [], gone: ['crate_new'] })
  expect(faultOfGone(planned.changes)).toBe('')
  await apply(takenOver, planned.changes, planned.contents)
  expect(await names('crate_crate')).toEqual(['First', 'Kept'])
  expect((await plan(takenOver)).changes).toMatchObject({ install: [], update: [], gone: [] })
}, 240_000)

test('what has left the code must be uninstalled first, and is gone then', async () => {
  const removed = await build('removed')
  const planned = await plan(removed)
  expect(planned.changes).toMatchObject({ update: ['parts_glue'], gone: ['box'] })
  expect(faultOfGone(planned.changes)).toMatch(/^box is installed .* nothing that is installed or updated/)
  const snapshotId = randomUUID()
  await run('snapshotCell', create(SnapshotCellTaskSchema, { cellId, snapshotId, purpose: 'safety' }))
  await expect(apply(removed, planned.changes, planned.contents)).rejects.toMatchObject({
    reason: 'module-gone',
    message: expect.stringMatching(
      /box is installed in the database but no longer in the repository.*Uninstall it first/,
    ),
  })
  await run('restoreCell', create(RestoreCellTaskSchema, { cellId, snapshotId }))
  await inApps('uninstall', 'box')
  const again = await plan(removed)
  expect(again.changes).toMatchObject({ install: [], update: ['parts_glue'], gone: [] })
  expect(rows(again)).toContain('box none: uninstalled in Apps, and stays so')
}, 240_000)

test('former data come with their former contents, in place and in a clone', async () => {
  const { snapshotId, contents } = before
  const restored = await run('restoreCell', create(RestoreCellTaskSchema, { cellId, snapshotId }))
  const same = { ...contents, seenAt: expect.anything() }
  expect(restored.contents).toEqual(same)
  expect(await look()).toEqual(same)
  const cloned = await run(
    'cloneCell',
    create(CloneCellTaskSchema, {
      cellId: randomUUID(),
      environmentId,
      stage,
      source: { case: 'sourceCellId', value: cellId },
    }),
  )
  expect(cloned.contents).toEqual({ ...same, seenAt: cloned.sourceTime })
}, 120_000)
