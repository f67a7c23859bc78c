import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTaskGuard, type TaskGuard } from '../../agent/authorization/guard.ts'
import { createUsedAuthorizations } from '../../agent/authorization/used.ts'
import { createContainer, labelsFor } from '../../agent/containers/docker.ts'
import { runtimeName } from '../../agent/containers/odoo.ts'
import { openStateDatabase } from '../../agent/link/state-database.ts'
import type { TaskContext } from '../../agent/tasks/task.ts'
import { OfferSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { CellStage, type TaskSpec, TaskSpecSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import {
  createTestAuthority,
  type Signer,
  sha256OfSpec,
  sign,
  type TestAuthority,
} from '../support/authorizations.ts'
import { createTestServices, type TestServices } from '../support/odoo-services.ts'
import { createStep, LIMITS, POSTGRES_IMAGE } from '../support/storage.ts'
import { createTask } from '../support/task-context.ts'

// What the gate of a real host lets through: a production and a staging cell, their containers, routes and snapshots.

type Kind = MessageInitShape<typeof TaskSpecSchema>['kind']

let services: TestServices
let authority: TestAuthority
let authorizer: Signer
let guard: TaskGuard
let database: ReturnType<typeof openStateDatabase>

const hostId = randomUUID()
const production = place('production')
const staging = place('staging')
/** The container of a cell that is on no record. */
const stray = place('staging')

function place(stage: 'production' | 'staging') {
  const [cellId, environmentId, runtimeId] = [randomUUID(), randomUUID(), randomUUID()]
  return { stage, cellId, environmentId, runtimeId, snapshotId: randomUUID() }
}

beforeAll(async () => {
  services = await createTestServices()
  authority = await createTestAuthority()
  authorizer = await authority.issue('authorizer')
  database = openStateDatabase(join(services.directory, 'state.db'))
  guard = createTaskGuard(services, createUsedAuthorizations(database), {
    hostId,
    authority: authority.certificate,
  })
  for (const { cellId: id, environmentId, stage, snapshotId } of [production, staging]) {
    const cell = { id, environmentId, stage, postgresImage: POSTGRES_IMAGE, limits: LIMITS }
    await services.cells.create(cell, createStep())
    await services.cells.snapshot(
      { id: snapshotId, cellId: id, purpose: 'safety', quiesce: false },
      createStep(),
    )
  }
  for (const { cellId: cell, environmentId: environment, runtimeId } of [production, staging, stray]) {
    await createContainer(services.docker, {
      name: runtimeName(runtimeId),
      Image: POSTGRES_IMAGE,
      Labels: labelsFor(services.docker, { role: 'odoo', cell, environment, runtime: runtimeId }),
    })
  }
}, 120_000)
afterAll(async () => {
  database?.close()
  await services?.[Symbol.asyncDispose]()
}, 60_000)

const specOf = (kind: Kind): TaskSpec => create(TaskSpecSchema, { kind })

const claimsFor = (taskId: string, spec: TaskSpec, difference: object = {}) => {
  const iat = Math.floor(Date.now() / 1_000)
  return {
    iss: 'fairway-control-plane',
    jti: taskId,
    aud: hostId,
    action: spec.kind.case,
    cell: production.cellId,
    environment: production.environmentId,
    subject: 'a'.repeat(64),
    authorizationId: randomUUID(),
    spec: sha256OfSpec(spec),
    iat,
    exp: iat + 900,
    ...difference,
  }
}

async function admit(
  kind: Kind,
  { authorized = false, taskId = randomUUID() as string, epoch = 1, difference = {}, jws = '' } = {},
) {
  const spec = specOf(kind)
  const authorization = authorized ? await sign(claimsFor(taskId, spec, difference), authorizer) : jws
  const offer = create(OfferSchema, { task: { taskId, epoch }, spec, authorization })
  const context: TaskContext = { ...createTask(taskId).context, epoch }
  return await guard.admit(offer, Date.now(), context)
}

const missing = { reason: 'authorization-missing' }
const runtimeOf = (runtime: object) => ({ case: 'startRuntime', value: { runtime } }) as const

/** Everything that reaches production, also what says that it does not. */
const forbidden: [string, () => Kind][] = [
  ['updates its modules', () => ({ case: 'applyModules', value: { cellId: production.cellId } })],
  [
    'puts a snapshot back',
    () => ({
      case: 'restoreCell',
      value: { cellId: production.cellId, snapshotId: production.snapshotId },
    }),
  ],
  [
    'destroys its cell',
    () => ({ case: 'destroyCell', value: { cellId: production.cellId, production: true } }),
  ],
  [
    'destroys its cell under another spelling',
    () => ({ case: 'destroyCell', value: { cellId: production.cellId.toUpperCase(), production: true } }),
  ],
  [
    'destroys its snapshot',
    () => ({ case: 'destroySnapshot', value: { snapshotId: production.snapshotId } }),
  ],
  ['stops its Odoo', () => ({ case: 'stopRuntime', value: { runtimeId: production.runtimeId } })],
  ['stops its PostgreSQL', () => ({ case: 'stopRuntime', value: { stopCellId: production.cellId } })],
  [
    'starts an Odoo on it, called staging',
    () =>
      runtimeOf({
        runtimeId: randomUUID(),
        cellId: production.cellId,
        environmentId: staging.environmentId,
        stage: CellStage.STAGING,
      }),
  ],
  [
    'starts a staging Odoo in place of its container',
    () =>
      runtimeOf({
        runtimeId: production.runtimeId,
        cellId: staging.cellId,
        environmentId: staging.environmentId,
      }),
  ],
  [
    'starts a staging Odoo in its name',
    () =>
      runtimeOf({
        runtimeId: randomUUID(),
        cellId: staging.cellId,
        environmentId: production.environmentId,
      }),
  ],
  [
    'takes its addresses away',
    () => ({
      case: 'switchRoute',
      value: { environmentId: production.environmentId, target: { case: 'remove', value: true } },
    }),
  ],
  [
    'leads its addresses to a staging Odoo',
    () => ({
      case: 'switchRoute',
      value: {
        environmentId: production.environmentId,
        hostnames: ['shop.example.test'],
        target: { case: 'runtimeId', value: staging.runtimeId },
      },
    }),
  ],
  [
    'leads another address to its Odoo',
    () => ({
      case: 'switchRoute',
      value: {
        environmentId: staging.environmentId,
        hostnames: ['elsewhere.example.test'],
        target: { case: 'runtimeId', value: production.runtimeId },
      },
    }),
  ],
  [
    'makes its environment a second production cell',
    () => ({
      case: 'createCell',
      value: {
        cellId: randomUUID(),
        environmentId: production.environmentId,
        stage: CellStage.PRODUCTION,
      },
    }),
  ],
  [
    'gives its environment a staging cell',
    () => ({
      case: 'cloneCell',
      value: {
        cellId: randomUUID(),
        environmentId: production.environmentId,
        stage: CellStage.STAGING,
        source: { case: 'sourceCellId', value: production.cellId },
      },
    }),
  ],
  [
    'makes another production of production’s data',
    () => ({
      case: 'cloneCell',
      value: {
        cellId: randomUUID(),
        environmentId: randomUUID(),
        stage: CellStage.PRODUCTION,
        source: { case: 'sourceCellId', value: production.cellId },
      },
    }),
  ],
  [
    'makes another production of a snapshot of production',
    () => ({
      case: 'cloneCell',
      value: {
        cellId: randomUUID(),
        environmentId: randomUUID(),
        stage: CellStage.PRODUCTION,
        source: { case: 'sourceSnapshotId', value: production.snapshotId },
      },
    }),
  ],
  [
    'stops what nobody can tell any more',
    () => ({ case: 'stopRuntime', value: { runtimeId: stray.runtimeId } }),
  ],
  [
    'destroys what nobody can tell any more',
    () => ({ case: 'destroyCell', value: { cellId: stray.cellId } }),
  ],
]

const free: [string, () => Kind][] = [
  ['reads production for a snapshot', () => ({ case: 'snapshotCell', value: { cellId: production.cellId } })],
  ['reads production for a dump', () => ({ case: 'dumpCell', value: { cellId: production.cellId } })],
  [
    'clones production for staging',
    () => ({
      case: 'cloneCell',
      value: {
        cellId: randomUUID(),
        environmentId: staging.environmentId,
        source: { case: 'sourceCellId', value: production.cellId },
      },
    }),
  ],
  [
    'makes an environment its first production cell',
    () => ({
      case: 'createCell',
      value: { cellId: randomUUID(), environmentId: randomUUID(), stage: CellStage.PRODUCTION },
    }),
  ],
  [
    'makes the first production cell again after a crash',
    () => ({
      case: 'createCell',
      value: {
        cellId: production.cellId,
        environmentId: production.environmentId,
        stage: CellStage.PRODUCTION,
      },
    }),
  ],
  ['updates staging', () => ({ case: 'applyModules', value: { cellId: staging.cellId } })],
  ['destroys staging', () => ({ case: 'destroyCell', value: { cellId: staging.cellId } })],
  [
    'destroys a snapshot of staging',
    () => ({ case: 'destroySnapshot', value: { snapshotId: staging.snapshotId } }),
  ],
  ['stops staging', () => ({ case: 'stopRuntime', value: { runtimeId: staging.runtimeId } })],
  ['destroys what is gone already', () => ({ case: 'destroyCell', value: { cellId: randomUUID() } })],
  [
    'routes staging',
    () => ({
      case: 'switchRoute',
      value: {
        environmentId: staging.environmentId,
        hostnames: ['staging.example.test'],
        target: { case: 'runtimeId', value: staging.runtimeId },
      },
    }),
  ],
]

describe('a task that', () => {
  it.each(forbidden)('%s needs an authorization', async (_, kind) => {
    await expect(admit(kind())).rejects.toMatchObject(missing)
  })

  it.each(free)('%s needs none', async (_, kind) => {
    await expect(admit(kind())).resolves.toBeDefined()
  })

  it('neutralizes production is refused, also with an authorization', async () => {
    const kind: Kind = { case: 'neutralize', value: { cellId: production.cellId } }
    for (const authorized of [false, true])
      await expect(admit(kind, { authorized })).rejects.toMatchObject({ reason: 'production-protected' })
  })

  it('is of a kind that this agent does not know is refused', async () => {
    await expect(admit({ case: undefined })).rejects.toMatchObject({ reason: 'unsupported-task' })
  })
})

const destroy = (): Kind => ({ case: 'destroyCell', value: { cellId: production.cellId, production: true } })

describe('an authorization', () => {
  it('lets its task through', async () => {
    await expect(admit(destroy(), { authorized: true })).resolves.toBeDefined()
  })

  it('is refused for another cell, another environment, and what nobody can tell', async () => {
    const invalid = { reason: 'authorization-invalid' }
    for (const difference of [{ cell: staging.cellId }, { environment: staging.environmentId }])
      await expect(admit(destroy(), { authorized: true, difference })).rejects.toMatchObject(invalid)
    const strayed: Kind = { case: 'destroyCell', value: { cellId: stray.cellId } }
    await expect(admit(strayed, { authorized: true })).rejects.toMatchObject(invalid)
  })

  it('is refused for a task that would reach beyond what it names', async () => {
    const kind = runtimeOf({
      runtimeId: stray.runtimeId,
      cellId: production.cellId,
      environmentId: production.environmentId,
    })
    await expect(admit(kind, { authorized: true })).rejects.toMatchObject({ reason: 'authorization-invalid' })
  })

  it('is refused when it was signed for another task, or used with another specification', async () => {
    const taskId = randomUUID()
    const jws = await sign(claimsFor(taskId, specOf(destroy())), authorizer)
    await expect(admit(destroy(), { jws })).rejects.toMatchObject({ reason: 'authorization-invalid' })
    await expect(admit(destroy(), { jws, taskId })).resolves.toBeDefined()
    const other: Kind = { case: 'applyModules', value: { cellId: production.cellId } }
    await expect(admit(other, { authorized: true, taskId })).rejects.toMatchObject({
      reason: 'authorization-used',
    })
  })

  it('serves redelivery until its task is done, and then that dispatch only', async () => {
    const taskId = randomUUID()
    const first = await admit(destroy(), { authorized: true, taskId })
    await expect(admit(destroy(), { authorized: true, taskId })).resolves.toBeDefined()
    const second = await admit(destroy(), { authorized: true, taskId, epoch: 2 })
    await second.done()
    await expect(admit(destroy(), { authorized: true, taskId, epoch: 2 })).resolves.toBeDefined()
    await expect(admit(destroy(), { authorized: true, taskId, epoch: 3 })).rejects.toMatchObject({
      reason: 'authorization-used',
    })
    await expect(first.done()).resolves.toBeUndefined()
  })

  it('is asked for when production turns up after the first look', async () => {
    const runtimeId = randomUUID()
    const { context } = await admit({ case: 'stopRuntime', value: { runtimeId } })
    await context.requireLease()
    await createContainer(services.docker, {
      name: runtimeName(runtimeId),
      Image: POSTGRES_IMAGE,
      Labels: labelsFor(services.docker, { role: 'odoo', cell: production.cellId, runtime: runtimeId }),
    })
    await expect(context.requireLease()).rejects.toMatchObject(missing)
  })
})
