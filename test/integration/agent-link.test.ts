import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { Client, credentials, Metadata, status } from '@grpc/grpc-js'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { channelOptions, controlMethod } from '../../agent/link/protocol.ts'
import type { TaskHandlers } from '../../agent/link/task-runner.ts'
import { TaskError } from '../../agent/tasks/task.ts'
import { ControlRequestSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import {
  DestroySnapshotOutputSchema,
  ResolveOutputSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { Fleet } from '../../server/fleet/fleet.ts'
import { startChild } from '../support/child.ts'
import { createTestFleet, joinAgent, type TestAgent, type TestFleet } from '../support/fleet.ts'
import { query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { waitFor } from '../support/wait-for.ts'

// Both sides of the link, on real ports with real TLS and a real PostgreSQL.

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

async function agentWith(handlers: TaskHandlers, dial?: number[]): Promise<TestAgent> {
  const agent = await joinAgent(fleet, { port: server.port, dial, handlers })
  opened.push(agent)
  return agent
}
const ended = (id: string) =>
  waitFor(`task ${id} to end`, async () => {
    const task = await fleet.task(id)
    return !['queued', 'leased'].includes(task.status) && task
  })
const done = create(DestroySnapshotOutputSchema)
const snapshot = (snapshotId: string) => ({ destroySnapshot: { snapshotId } })

describe('a task', () => {
  it('goes from the database to its host and comes back with its result', async () => {
    const agent = await agentWith({
      destroySnapshot: async ({ snapshotId }, context) => {
        await context.requireLease()
        context.warn(`destroyed ${snapshotId}`)
        context.artifact('proof.txt', 'text/plain', Buffer.from('gone\0'))
        return done
      },
    })
    const { id, runId } = await fleet.createTask(agent.hostId, snapshot('s1'))
    expect(await ended(id)).toMatchObject({
      status: 'succeeded',
      epoch: 1,
      output: { destroySnapshot: {} },
      warnings: ['destroyed s1'],
    })
    const [artifact] = await query<{ sha256: string }>(
      database.ownerUrl,
      'select * from artifacts where run_id = $1',
      [runId],
    )
    expect((await database.context.blobs.get(artifact!.sha256)).toString()).toBe('gone\0')
    const [run] = await query(database.ownerUrl, 'select advance_at from runs where id = $1', [runId])
    expect(run!.advance_at).not.toBeNull()
    await waitFor('the result to be acknowledged', () => agent.store.journal.listOpen().length === 0)
  })

  it.each([
    ['NULs, and text that looks like one', { commitMessage: 'a\0b', treeId: 'c\\u0000d' }, 'succeeded'],
    ['a number out of range', { commitMessage: 'e' }, 'failed'],
  ])('ends also when its result holds %s', async (_, output, status) => {
    const agent = await agentWith({
      resolve: async (_, context) => {
        // What no honest agent counts: PostgreSQL refuses it.
        if (status === 'failed') vi.spyOn(agent.store.spool, 'lastSequence').mockReturnValue(2 ** 63)
        await context.requireLease()
        return create(ResolveOutputSchema, output)
      },
    })
    const { id } = await fleet.createTask(agent.hostId, { resolve: {} })
    expect(await ended(id)).toMatchObject(
      status === 'failed'
        ? { status, reason: 'result-unusable' }
        : { status, output: { resolve: { commitMessage: 'a\ufffdb', treeId: 'c\\u0000d' } } },
    )
    await waitFor('the result to be acknowledged', () => agent.store.journal.listOpen().length === 0)
  })

  it('fails with the reason its handler gives', async () => {
    const agent = await agentWith({
      destroySnapshot: async () => {
        throw new TaskError('snapshot-missing', 'There is no such snapshot')
      },
    })
    const known = await fleet.createTask(agent.hostId, snapshot('s1'))
    const unknown = await fleet.createTask(agent.hostId, { stopRuntime: { runtimeId: 'r' } })
    expect(await ended(known.id)).toMatchObject({
      status: 'failed',
      reason: 'snapshot-missing',
      error: 'There is no such snapshot',
    })
    expect(await ended(unknown.id)).toMatchObject({ status: 'failed', reason: 'unsupported-task' })
  })

  it('that fails says what it had found out', async () => {
    const agent = await agentWith({
      resolve: async (_, context) => {
        context.found({ case: 'resolve', value: create(ResolveOutputSchema, { commit: 'c0ffee' }) })
        throw new TaskError('manifest-invalid', 'There is no such field')
      },
    })
    const { id } = await fleet.createTask(agent.hostId, { resolve: {} })
    expect(await ended(id)).toMatchObject({
      status: 'failed',
      reason: 'manifest-invalid',
      output: { resolve: { commit: 'c0ffee' } },
    })
  })

  it('ends when it is cancelled or out of time', async () => {
    const agent = await agentWith({
      destroySnapshot: (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    })
    const cancelled = await fleet.createTask(agent.hostId, snapshot('s1'))
    const late = await fleet.createTask(agent.hostId, snapshot('s2'), { timeoutMs: 300 })
    await waitFor('the task to be accepted', async () => (await fleet.task(cancelled.id)).started_at !== null)
    await query(database.ownerUrl, 'update tasks set cancel_requested = true where id = $1', [cancelled.id])
    await query(database.ownerUrl, `select pg_notify('fairway', $1)`, [`cancel:${agent.hostId}`])
    expect(await ended(cancelled.id)).toMatchObject({ status: 'cancelled', reason: 'cancelled' })
    expect(await ended(late.id)).toMatchObject({ status: 'timed-out', reason: 'timed-out' })
  })

  it('is run again under its epoch with its checkpoints after a restart of the agent', async () => {
    const effects: string[] = []
    const agent = await agentWith({
      destroySnapshot: async (_, { once, signal }) => {
        await once('first', async () => effects.push('first'))
        effects.push('waits')
        return await new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
        )
      },
    })
    const { id } = await fleet.createTask(agent.hostId, snapshot('s1'))
    await waitFor('the first effect', () => effects.includes('waits'))
    await agent.stop()
    expect((await fleet.task(id)).status).toBe('leased')
    agent.start({
      destroySnapshot: async (_, { once, epoch }) => {
        await once('first', async () => effects.push('first'))
        effects.push(`epoch ${epoch}`)
        return done
      },
    })
    expect(await ended(id)).toMatchObject({ status: 'succeeded', epoch: 1 })
    expect(effects).toEqual(['first', 'waits', 'epoch 1'])
  })

  it('is lost only when its host is back without it, and then dispatched anew if it may be', async () => {
    const times = { leaseMs: 600, pollMs: 100, reofferMs: 200 }
    const hasty = await fleet.startServer({ times })
    opened.push({ [Symbol.asyncDispose]: () => hasty.stop(1_000) })
    const epochs: number[] = []
    const agent = await agentWith(
      {
        destroySnapshot: async (_, { epoch, signal }) => {
          epochs.push(epoch)
          if (epoch > 1) return done
          return await new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
          )
        },
      },
      [hasty.port],
    )
    const again = await fleet.createTask(agent.hostId, snapshot('s1'), { maxAttempts: 2 })
    await waitFor('the task to run', async () => (await fleet.task(again.id)).started_at !== null)
    await agent.stop()
    await waitFor('its lease to run out', async () => {
      const { lease_until } = await fleet.task(again.id)
      return lease_until !== null && lease_until.getTime() < Date.now() - 500
    })
    expect(await fleet.task(again.id)).toMatchObject({ status: 'leased', epoch: 1 })
    agent.start()
    await waitFor('the restarted agent to renew', async () => {
      const { lease_until } = await fleet.task(again.id)
      return lease_until !== null && lease_until.getTime() > Date.now()
    })
    // Its journal gone, behind the agent's back.
    agent.store.journal.close({ taskId: again.id, epoch: 1 }, Date.now())
    expect(await ended(again.id)).toMatchObject({ status: 'succeeded', epoch: 2 })
    expect(epochs).toEqual([1, 1, 2])
  })
})

describe('log lines', () => {
  it('arrive whole, in order and once', async () => {
    const count = 30_000
    const agent = await agentWith({
      destroySnapshot: async (_, { log }) => {
        for (let i = 0; i < count; i++) {
          log('odoo', `line ${i}`)
          if (i % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve))
        }
        log('odoo', 'ä'.repeat(100_000))
        return done
      },
    })
    const { id } = await fleet.createTask(agent.hostId, snapshot('s1'))
    await ended(id)
    await waitFor('the spool to empty', () => agent.store.spool.listStreams().length === 0)
    const lines = await fleet.lines(id)
    expect(lines.map(({ sequence }) => sequence)).toEqual(lines.map((_, index) => index + 1))
    expect(lines.slice(0, count).map(({ text }) => text)).toEqual(
      Array.from({ length: count }, (_, i) => `line ${i}`),
    )
    expect(
      lines
        .slice(count)
        .map(({ text }) => text)
        .join(''),
    ).toBe('ä'.repeat(100_000))
  })

  it('keep known secrets to themselves', async () => {
    const agent = await agentWith({
      destroySnapshot: async (_, { log }) => {
        log('git', 'cloning https://user:s3cr3t-canary@example.org')
        throw new TaskError('denied', 'refused for s3cr3t-canary')
      },
    })
    agent.store.redactors.addOwn('s3cr3t-canary')
    const { id } = await fleet.createTask(agent.hostId, snapshot('s1'))
    expect((await ended(id)).error).toBe('refused for [redacted]')
    await waitFor('the line', async () => (await fleet.lines(id)).length === 1)
    expect((await fleet.lines(id))[0]?.text).toBe('cloning https://user:[redacted]@example.org')
  })
})

describe('two servers on one database', () => {
  it('give each task out once and take its result on either', async () => {
    const second = await fleet.startServer()
    opened.push({ [Symbol.asyncDispose]: () => second.stop(1_000) })
    const runs = new Map<string, number>()
    const agent = await agentWith(
      {
        destroySnapshot: async (_, { taskId, log }) => {
          runs.set(taskId, (runs.get(taskId) ?? 0) + 1)
          log('fairway', 'hello')
          return done
        },
      },
      [server.port, second.port],
    )
    const tasks = await Promise.all(
      Array.from({ length: 40 }, (_, i) => fleet.createTask(agent.hostId, snapshot(`s${i}`))),
    )
    for (const { id } of tasks) expect(await ended(id)).toMatchObject({ status: 'succeeded', epoch: 1 })
    expect([...runs.values()]).toEqual(tasks.map(() => 1))
    await waitFor('the spool to empty', () => agent.store.spool.listStreams().length === 0)
    for (const { id } of tasks) expect(await fleet.lines(id)).toHaveLength(1)
  })
})

describe('a host', () => {
  it('is online while it is connected, with what it has', async () => {
    const agent = await agentWith({ destroySnapshot: async () => done })
    const host = async () =>
      (await query(database.ownerUrl, 'select * from hosts where id = $1', [agent.hostId]))[0]!
    await waitFor('the host to be online', async () => (await host()).status === 'online')
    expect(await host()).toMatchObject({
      agent_version: 'test',
      cpu_count: 2,
      capabilities: ['destroySnapshot'],
    })
    await agent.stop()
    await waitFor('the host to be offline', async () => (await host()).status === 'offline')
  })

  it('renews its certificate at half life and moves over to it; both stay good until the next', async () => {
    const agent = await agentWith({ destroySnapshot: async () => done })
    await agent.stop()
    const before = agent.identities.read()!
    const hour = 3_600_000
    agent.identities.write({
      ...before,
      notBeforeMs: Date.now() - 13 * hour,
      notAfterMs: Date.now() + 11 * hour,
    })
    agent.start()
    const after = await waitFor('a new certificate', () => {
      const identity = agent.identities.read()!
      return identity.certificate !== before.certificate && identity
    })
    expect(after.key).not.toBe(before.key)
    const serial = new X509Certificate(after.certificate).serialNumber.toLowerCase()
    const [host] = await query(database.ownerUrl, 'select certificate_serial from hosts where id = $1', [
      agent.hostId,
    ])
    expect(host!.certificate_serial).toBe(serial)
    const { id } = await fleet.createTask(agent.hostId, snapshot('s1'))
    expect(await ended(id)).toMatchObject({ status: 'succeeded', epoch: 1 })
    // A process that was killed before it could keep the answer.
    await agent.stop()
    agent.identities.write(before)
    agent.start()
    const again = await fleet.createTask(agent.hostId, snapshot('s2'))
    expect(await ended(again.id)).toMatchObject({ status: 'succeeded', epoch: 1 })
  })

  it('that speaks another version of the protocol is told what to do', async () => {
    const agent = await agentWith({})
    await agent.stop()
    const { key, certificate, authority } = agent.identities.read()!
    const client = new Client(
      `127.0.0.1:${server.port}`,
      credentials.createSsl(Buffer.from(authority), Buffer.from(key), Buffer.from(certificate)),
      channelOptions,
    )
    const stream = client.makeBidiStreamRequest(
      controlMethod.path,
      controlMethod.serialize,
      controlMethod.deserialize,
      new Metadata(),
    )
    stream.on('error', () => {})
    stream.on('data', () => {})
    stream.write(
      create(ControlRequestSchema, {
        message: { case: 'hello', value: { protocolMin: 7, protocolMax: 9, agentVersion: '9.9' } },
      }),
    )
    const ending = await new Promise<{ code: number; details: string }>((resolve) =>
      stream.on('status', resolve),
    )
    client.close()
    const advice = 'Agent 9.9 is newer than this server understands: upgrade the server'
    expect(ending).toMatchObject({ code: status.FAILED_PRECONDITION, details: advice })
    const [host] = await query(database.ownerUrl, 'select status, advice from hosts where id = $1', [
      agent.hostId,
    ])
    expect(host).toEqual({ status: 'incompatible', advice })
  })

  it('keeps its lease and its task through an event loop that was busy past both', async () => {
    const times = { leaseMs: 900, heartbeatMs: 200, silenceMs: 600, pollMs: 100 }
    const strict = await fleet.startServer({ times })
    opened.push({ [Symbol.asyncDispose]: () => strict.stop(1_000) })
    const directory = await mkdtemp(join(tmpdir(), 'fairway-busy-'))
    const joined = await agentWith({})
    await joined.stop()
    const child = await startChild('agent-child.ts', {
      FAIRWAY_AGENT_DIR: joined.directory,
      FAIRWAY_SERVERS: `127.0.0.1:${strict.port}`,
      FAIRWAY_TEST_BUSY_MS: '3000',
    })
    opened.push(child)
    const file = join(directory, 'effects')
    const { id } = await fleet.createTask(joined.hostId, snapshot(file))
    await writeFile(`${file}.gate`, '')
    expect(await ended(id)).toMatchObject({ status: 'succeeded', epoch: 1 })
    expect((await readFile(file, 'utf8')).split('\n').filter((line) => line === 'run')).toHaveLength(1)
    await rm(directory, { recursive: true })
  })
})
