import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runtimeName } from '../../agent/containers/odoo.ts'
import type { Cell } from '../../agent/storage/records.ts'
import { createTaskHandlers, type TaskHandlers } from '../../agent/tasks/registry.ts'
import {
  ApplyModulesTaskSchema,
  CellStage,
  CloneCellTaskSchema,
  DumpCellTaskSchema,
  InspectCellTaskSchema,
  NeutralizeTaskSchema,
  RestoreCellTaskSchema,
  SmokeTaskSchema,
  SnapshotCellTaskSchema,
  StartRuntimeTaskSchema,
  SwitchRouteTaskSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { createBank } from '../support/bank.ts'
import { startHttpRuntime } from '../support/http-runtime.ts'
import { createTestServices, registry, type TestServices } from '../support/odoo-services.ts'
import { LIMITS } from '../support/storage.ts'
import { createTask } from '../support/task-context.ts'

// A cell whose data are between two states, by the host's own record: whatever a server asks.

let services: TestServices
let handlers: TaskHandlers
let production: Cell
let safety: string

const { signal } = new AbortController()
const image = `${registry}/fairway/odoo:19.0`
const dirty = { why: 'update', since: '2026-01-02T03:04:05.000Z', by: 'the update' } as const

beforeAll(async () => {
  services = await createTestServices()
  handlers = createTaskHandlers(services)
  production = await makeCell('production')
  await createBank(production)
  safety = await snapshot('safety')
}, 120_000)
afterAll(() => services?.[Symbol.asyncDispose](), 60_000)

const makeCell = (stage: Cell['stage']) =>
  services.cells.create(
    {
      id: randomUUID(),
      environmentId: randomUUID(),
      stage,
      postgresImage: `${registry}/fairway/postgres:18`,
      limits: LIMITS,
    },
    createTask().context,
  )

async function snapshot(purpose: string, cellId = production.id): Promise<string> {
  const snapshotId = randomUUID()
  const input = create(SnapshotCellTaskSchema, { cellId, snapshotId, purpose })
  await handlers.snapshotCell(input, createTask().context)
  return snapshotId
}

const clone = (source: Parameters<typeof create<typeof CloneCellTaskSchema>>[1], stage = CellStage.STAGING) =>
  handlers.cloneCell(
    create(CloneCellTaskSchema, { cellId: randomUUID(), environmentId: randomUUID(), stage, ...source }),
    createTask().context,
  )
const inspect = (cellId: string) =>
  handlers.inspectCell(create(InspectCellTaskSchema, { cellId }), createTask().context)
const mark = (cell: Cell) => services.cells.note(cell.id, () => ({ dirty }), signal)
const refused = {
  reason: 'dirty',
  message: expect.stringMatching(/between two states: the update that began at 2026-01-02T03:04:05/),
}

test('nothing serves it, routes to it, copies it, looks into it or updates it, and what failed can be kept', async () => {
  const runtimeId = randomUUID()
  await startHttpRuntime(services, production, runtimeId)
  await mark(production)
  const cellId = production.id
  const { environmentId } = production
  const runtime = { runtimeId, environmentId, cellId, image, logStreamId: 's', stage: CellStage.PRODUCTION }
  const { context } = createTask()
  const asked = [
    () => handlers.startRuntime(create(StartRuntimeTaskSchema, { runtime }), context),
    () => handlers.smoke(create(SmokeTaskSchema, { runtime }), context),
    () =>
      handlers.switchRoute(
        create(SwitchRouteTaskSchema, {
          environmentId,
          hostnames: ['a.localhost'],
          target: { case: 'runtimeId', value: runtimeId },
        }),
        context,
      ),
    () => clone({ source: { case: 'sourceCellId', value: cellId } }),
    () => snapshot('safety'),
    () => snapshot('prepared'),
    () => inspect(cellId),
    () => handlers.dumpCell(create(DumpCellTaskSchema, { cellId, dumpId: randomUUID() }), context),
    () =>
      handlers.applyModules(create(ApplyModulesTaskSchema, { cellId, image, install: ['base'] }), context),
  ]
  for (const ask of asked) await expect(ask(), ask.toString()).rejects.toMatchObject(refused)
  await expect(inspect(cellId)).rejects.toThrow('fairway release restore PROJECT')
  await services.docker.docker.getContainer(runtimeName(runtimeId)).remove({ force: true })

  const failed = await snapshot('failed')
  const fromFailed = { source: { case: 'sourceSnapshotId', value: failed } } as const
  await clone(fromFailed)
  await expect(clone(fromFailed, CellStage.PRODUCTION)).rejects.toMatchObject({ reason: 'dirty' })
  const restoreFailed = create(RestoreCellTaskSchema, { cellId, snapshotId: failed })
  await expect(handlers.restoreCell(restoreFailed, context)).rejects.toMatchObject({ reason: 'dirty' })
  expect(await services.pool.requireCell(cellId)).toMatchObject({ dirty })
}, 120_000)

test('a restore that comes through makes it whole; one that fails and is undone leaves it as it was', async () => {
  await mark(production)
  const restore = () =>
    handlers.restoreCell(
      create(RestoreCellTaskSchema, { cellId: production.id, snapshotId: safety }),
      createTask().context,
    )
  const aborted = createTask()
  const { requireLease } = aborted.context
  let asked = 0
  // Right before it is confirmed.
  const context = {
    ...aborted.context,
    requireLease: async () => {
      if (++asked === 2) aborted.abort('cancelled')
      await requireLease()
    },
  }
  await expect(services.cells.restore(production.id, safety, context)).rejects.toThrow('cancelled')
  expect(await services.pool.requireCell(production.id)).toMatchObject({ dirty })
  await restore()
  expect((await services.pool.requireCell(production.id)).dirty).toBeUndefined()
  await inspect(production.id)
  await snapshot('safety')
}, 60_000)

test('a staging copy is not neutralized, and can be updated by whoever proves all of it', async () => {
  const staging = await makeCell('staging')
  await mark(staging)
  const { context } = createTask()
  const neutralize = create(NeutralizeTaskSchema, { cellId: staging.id, image, assert: true })
  await expect(handlers.neutralize(neutralize, context)).rejects.toMatchObject({ reason: 'dirty' })
  const unknown = create(ApplyModulesTaskSchema, {
    cellId: staging.id,
    image: `${registry}/fairway/no-such-image:1`,
    install: ['base'],
  })
  const failure = await handlers.applyModules(unknown, context).catch((error: { reason?: string }) => error)
  expect(failure).not.toMatchObject({ reason: 'dirty' })
}, 60_000)
