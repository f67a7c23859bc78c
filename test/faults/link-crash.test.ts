import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createJournal } from '../../agent/link/journal.ts'
import { openStateDatabase } from '../../agent/link/state-database.ts'
import { DestroySnapshotOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { type Child, startChild } from '../support/child.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { createTestFleet, joinAgent, type TestFleet } from '../support/fleet.ts'
import { freePort, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { waitFor } from '../support/wait-for.ts'

// Kill -9 on either side of the link.

let database: TestDatabase
let fleet: TestFleet
let port: number
let directory: string
const opened: AsyncDisposable[] = []

beforeAll(async () => {
  database = await startTestDatabase()
  fleet = await createTestFleet(database)
  port = await freePort()
  directory = await mkdtemp(join(tmpdir(), 'fairway-faults-'))
})
afterEach(async () => {
  for (const resource of opened.splice(0).reverse()) await resource[Symbol.asyncDispose]()
})
afterAll(async () => {
  await database?.close()
  await rm(directory, { recursive: true, force: true })
})

const done = create(DestroySnapshotOutputSchema)
const opening = <T extends AsyncDisposable>(resource: T): T => {
  opened.push(resource)
  return resource
}
const startServer = async (): Promise<Child> =>
  opening(
    await startChild('fleet-child.ts', {
      FAIRWAY_DATA_DIR: database.context.config.dataDir,
      DATABASE_URL: database.ownerUrl,
      FAIRWAY_MASTER_KEY: database.masterKey,
      FAIRWAY_LINK_PORT: String(port),
    }),
  )
const succeeded = (id: string, deadlineMs?: number) =>
  waitFor(
    `task ${id} to succeed`,
    async () => {
      const task = await fleet.task(id)
      return !['queued', 'leased'].includes(task.status) && task
    },
    deadlineMs,
  )

describe('fault 1: server kill -9 mid-stream', () => {
  it('leaves tasks running; the agent is back within 15 s and logs go on where they were acknowledged', async () => {
    const server = await startServer()
    const count = 4_000
    let runs = 0
    let logged = 0
    let finish = () => {}
    const agent = opening(
      await joinAgent(fleet, {
        port,
        handlers: {
          async destroySnapshot(_, { log }) {
            runs++
            const writing = setInterval(() => {
              for (let i = 0; i < 20 && logged < count; i++) log('odoo', `line ${logged++}`)
              if (logged === count) finish()
            }, 50)
            await new Promise<void>((resolve) => {
              finish = resolve
            })
            clearInterval(writing)
            return done
          },
        },
      }),
    )
    const { id } = await fleet.createTask(agent.hostId, { destroySnapshot: { snapshotId: 's' } })
    await waitFor('lines to be durable', async () => (await fleet.lines(id)).length > 200)
    await server.kill()
    const before = (await fleet.lines(id)).length
    const loggedBefore = logged
    await waitFor('the task to go on without a server', () => logged > loggedBefore + 100)
    await startServer()
    const backMs = performance.now()
    await waitFor('logs to go on', async () => (await fleet.lines(id)).length > before, 15_000)
    process.stdout.write(
      `reattached ${Math.round(performance.now() - backMs)} ms after the server's return\n`,
    )
    expect(await succeeded(id, 60_000)).toMatchObject({ status: 'succeeded', epoch: 1 })
    await waitFor('the spool to empty', () => agent.store.spool.listStreams().length === 0)
    const lines = await fleet.lines(id)
    expect(lines.map(({ text }) => text)).toEqual(Array.from({ length: count }, (_, i) => `line ${i}`))
    expect(runs).toBe(1)
  }, 90_000)
})

describe('fault 2: server kill -9 between commit and dispatch', () => {
  it('delivers the task once, under the same epoch', async () => {
    const server = await startServer()
    const proxy = opening(await startFaultProxy({ host: '127.0.0.1', port }))
    const epochs: number[] = []
    const agent = opening(
      await joinAgent(fleet, {
        port,
        dial: [proxy.port],
        handlers: {
          async destroySnapshot(_, { epoch }) {
            epochs.push(epoch)
            return done
          },
        },
      }),
    )
    const first = await fleet.createTask(agent.hostId, { destroySnapshot: { snapshotId: 's' } })
    await succeeded(first.id)
    // From here on nothing that the server says arrives: committed, never delivered.
    proxy.deafen()
    const { id } = await fleet.createTask(agent.hostId, { destroySnapshot: { snapshotId: 's' } })
    await waitFor('the task to be claimed', async () => (await fleet.task(id)).status === 'leased')
    expect((await fleet.task(id)).started_at).toBeNull()
    await server.kill()
    proxy.heal()
    await startServer()
    expect(await succeeded(id)).toMatchObject({ status: 'succeeded', epoch: 1 })
    expect(epochs).toEqual([1, 1])
  }, 60_000)
})

describe('fault 5: agent kill -9 after the effect, before its acknowledgement', () => {
  for (const moment of ['before its result', 'after its result'] as const) {
    it(`does not repeat the effect (killed ${moment})`, async () => {
      await startServer()
      const proxy = opening(await startFaultProxy({ host: '127.0.0.1', port }))
      const joined = opening(await joinAgent(fleet, { port, handlers: {} }))
      await joined.stop()
      const env = { FAIRWAY_AGENT_DIR: joined.directory, FAIRWAY_SERVERS: `127.0.0.1:${proxy.port}` }
      const child = opening(await startChild('agent-child.ts', env))
      const file = join(directory, moment.replaceAll(' ', '-'))
      const { id } = await fleet.createTask(joined.hostId, { destroySnapshot: { snapshotId: file } })
      const written = () => readFile(file, 'utf8').catch(() => '')
      await waitFor('the effect', async () => (await written()).includes('run'))
      proxy.blackhole()
      if (moment === 'after its result') {
        await writeFile(`${file}.gate`, '')
        await waitFor('the agent to journal its result', () => hasResult(joined.directory, id))
      }
      await child.kill()
      expect(await fleet.task(id)).toMatchObject({ status: 'leased', epoch: 1 })
      proxy.heal()
      await writeFile(`${file}.gate`, '')
      opening(await startChild('agent-child.ts', env))
      expect(await succeeded(id)).toMatchObject({ status: 'succeeded', epoch: 1 })
      const lines = (await written()).trim().split('\n')
      expect(lines.filter((line) => line.startsWith('effect'))).toEqual([`effect ${id} 1`])
      // With its result in the journal the task is not even run again.
      expect(lines.filter((line) => line === 'run')).toHaveLength(moment === 'after its result' ? 1 : 2)
    }, 60_000)
  }
})

/** Looks into a copy of a living agent's journal: its own is locked. */
async function hasResult(agentDirectory: string, taskId: string): Promise<boolean> {
  const copy = await mkdtemp(join(tmpdir(), 'fairway-journal-'))
  try {
    for (const name of ['state.db', 'state.db-wal'])
      await copyFile(join(agentDirectory, name), join(copy, name))
    const database = openStateDatabase(join(copy, 'state.db'))
    const state = createJournal(database).find(taskId)?.state
    database.close()
    return state === 'finished'
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}
