import { create } from '@bufbuild/protobuf'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { DestroySnapshotOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { Fleet } from '../../server/fleet/fleet.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { createTestFleet, joinAgent, type TestFleet } from '../support/fleet.ts'
import { query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { waitFor } from '../support/wait-for.ts'

// The network between a living agent and a living server.

let database: TestDatabase
let fleet: TestFleet
let server: Fleet
const opened: AsyncDisposable[] = []

beforeAll(async () => {
  database = await startTestDatabase()
  fleet = await createTestFleet(database)
  server = await fleet.startServer()
})
afterEach(async () => {
  for (const resource of opened.splice(0).reverse()) await resource[Symbol.asyncDispose]()
})
afterAll(async () => {
  await server?.stop(1_000)
  await database?.close()
})

const opening = <T extends AsyncDisposable>(resource: T): T => {
  opened.push(resource)
  return resource
}
const done = create(DestroySnapshotOutputSchema)
const hostStatus = async (id: string) =>
  (await query<{ status: string }>(database.ownerUrl, 'select status from hosts where id = $1', [id]))[0]
    ?.status

describe('fault 9: a partition of 30 s', () => {
  it('holds up destructive steps only; the spool is replayed and nothing runs twice', async () => {
    const proxy = opening(await startFaultProxy({ host: '127.0.0.1', port: server.port }))
    let runs = 0
    let logged = 0
    let steps = 0
    let whole = false
    const agent = opening(
      await joinAgent(fleet, {
        port: server.port,
        dial: [proxy.port],
        handlers: {
          async destroySnapshot(_, context) {
            runs++
            const writing = setInterval(() => context.log('odoo', `line ${logged++}`), 20)
            while (!whole || steps === 0) {
              await new Promise((resolve) => setTimeout(resolve, 100))
              if (whole) {
                await context.requireLease()
                steps++
              }
            }
            clearInterval(writing)
            return done
          },
        },
      }),
    )
    const { id } = await fleet.createTask(agent.hostId, { destroySnapshot: { snapshotId: 's' } })
    await waitFor('lines to be durable', async () => (await fleet.lines(id)).length > 10)
    const cutMs = performance.now()
    proxy.blackhole()
    await waitFor('the server to notice', async () => (await hostStatus(agent.hostId)) === 'offline', 20_500)
    await waitFor('the partition to last', () => performance.now() - cutMs > 30_000, 35_000)
    expect(await fleet.task(id)).toMatchObject({ status: 'leased', epoch: 1 })
    const during = logged
    proxy.heal()
    whole = true
    await waitFor('the task to end', async () => (await fleet.task(id)).status === 'succeeded', 30_000)
    expect(await fleet.task(id)).toMatchObject({ epoch: 1 })
    await waitFor('the spool to empty', () => agent.store.spool.listStreams().length === 0)
    const lines = await fleet.lines(id)
    expect(during).toBeGreaterThan(500)
    expect(lines.map(({ text }) => text)).toEqual(Array.from({ length: logged }, (_, i) => `line ${i}`))
    expect(runs).toBe(1)
  }, 90_000)
})

describe('faults 10 and 11: one direction is dead', () => {
  it('is noticed by the agent within 20 s, and its new stream supersedes the old', async () => {
    const proxy = opening(await startFaultProxy({ host: '127.0.0.1', port: server.port }))
    const agent = opening(
      await joinAgent(fleet, {
        port: server.port,
        dial: [proxy.port],
        handlers: { destroySnapshot: async () => done },
      }),
    )
    await waitFor('the host to be online', async () => (await hostStatus(agent.hostId)) === 'online')
    const before = proxy.accepted
    proxy.deafen()
    await waitFor('the agent to dial again', () => proxy.accepted > before, 20_000)
    proxy.heal()
    const { id } = await fleet.createTask(agent.hostId, { destroySnapshot: { snapshotId: 's' } })
    await waitFor('a task to pass', async () => (await fleet.task(id)).status === 'succeeded', 20_000)
  }, 60_000)
})
