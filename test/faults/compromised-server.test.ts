import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTaskGuard } from '../../agent/authorization/guard.ts'
import { isPostgresRunning } from '../../agent/containers/postgres.ts'
import { openLinkStore } from '../../agent/link/store.ts'
import { createTaskHandlers } from '../../agent/tasks/registry.ts'
import { OfferSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { TaskSpecSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { Fleet } from '../../server/fleet/fleet.ts'
import { createTestFleet, joinAgent, type TestAgent, type TestFleet } from '../support/fleet.ts'
import { createTestServices, type TestServices } from '../support/odoo-services.ts'
import { insert, query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { createStep, LIMITS, POSTGRES_IMAGE } from '../support/storage.ts'
import { waitFor } from '../support/wait-for.ts'

// Somebody who can write tasks into the database, or speaks as a server, asks a real agent to destroy production.

let database: TestDatabase
let fleet: TestFleet
let server: Fleet
let services: TestServices
let agent: TestAgent
let environmentId: string
const cellId = randomUUID()
const destroy = { destroyCell: { cellId, production: true } }

beforeAll(async () => {
  database = await startTestDatabase()
  fleet = await createTestFleet(database)
  server = await fleet.startServer()
  services = await createTestServices()
  environmentId = await fleet.createProduction()
  const cell = { id: cellId, environmentId, stage: 'production' as const, postgresImage: POSTGRES_IMAGE }
  await services.cells.create({ ...cell, limits: LIMITS }, createStep())
  agent = await joinAgent(fleet, {
    port: server.port,
    handlers: createTaskHandlers(services),
    guard: (store, identity) => createTaskGuard(services, store.authorizations, identity),
  })
}, 120_000)
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]()
  await services?.[Symbol.asyncDispose]()
  await server?.stop(1_000)
  await database?.close()
}, 60_000)

const ended = (id: string) =>
  waitFor(`task ${id} to end`, async () => {
    const task = await fleet.task(id)
    return !['queued', 'leased'].includes(task.status) && task
  })
const expectUntouched = async () => {
  expect(await services.pool.findCell(cellId)).toMatchObject({ stage: 'production' })
  expect(await isPostgresRunning(services.docker, cellId)).toBe(true)
}

describe('a server that wants production destroyed', () => {
  it('is refused without an authorization, and nothing has happened', async () => {
    const { id } = await fleet.createTask(agent.hostId, destroy, { environmentId })
    expect(await ended(id)).toMatchObject({
      status: 'failed',
      reason: 'authorization-missing',
      error: expect.stringContaining(cellId),
    })
    await expectUntouched()
  })

  it('is refused with the authorization of another run', async () => {
    const elsewhere = await insert(database.ownerUrl, 'hosts', {
      organization_id: fleet.organizationId,
      name: 'elsewhere',
    })
    const approved = await fleet.createTask(elsewhere, destroy, { authorized: true, environmentId })
    const [stolen] = await query<{ authorization_id: string }>(
      database.ownerUrl,
      'select authorization_id from tasks where id = $1',
      [approved.id],
    )
    const thief = await fleet.createTask(agent.hostId, destroy, {
      environmentId,
      authorizationId: stolen!.authorization_id,
    })
    expect(await ended(thief.id)).toMatchObject({ status: 'failed', reason: 'authorization-mismatch' })
    await expectUntouched()
  })

  it('is refused when the agent takes up after a crash what it had accepted', async () => {
    await agent.stop()
    const { id } = await fleet.createTask(agent.hostId, destroy, { environmentId })
    await query(
      database.ownerUrl,
      `update tasks set status = 'leased', epoch = 1, started_at = now(), lease_until = now() + interval '1 minute'
       where id = $1`,
      [id],
    )
    const store = openLinkStore(agent.directory, 1_048_576)
    const kind = { case: 'destroyCell', value: destroy.destroyCell } as const
    const spec = create(TaskSpecSchema, { kind })
    const offer = { task: { taskId: id, epoch: 1 }, spec, timeoutMs: 60_000n, logStreamId: randomUUID() }
    store.journal.accept(create(OfferSchema, offer), Date.now())
    store.close()
    agent.start()
    expect(await ended(id)).toMatchObject({ status: 'failed', reason: 'authorization-missing' })
    await expectUntouched()
  })

  it('gets it done with the authorizer’s word for this very task', async () => {
    const { id } = await fleet.createTask(agent.hostId, destroy, { authorized: true, environmentId })
    expect(await ended(id)).toMatchObject({ status: 'succeeded' })
    expect(await services.pool.findCell(cellId)).toBeUndefined()
  })
})
