import { status } from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { enroll } from '../../agent/link/enroll.ts'
import type { Fleet } from '../../server/fleet/fleet.ts'
import { createTestFleet, joinAgent, type TestFleet } from '../support/fleet.ts'
import { query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { helloBytes, openRaw } from '../support/raw-link.ts'
import { waitFor } from '../support/wait-for.ts'

// Fault 13: a machine was copied, and now two agents say that they are the same host.

let database: TestDatabase
let fleet: TestFleet
let servers: Fleet[]

beforeAll(async () => {
  database = await startTestDatabase()
  fleet = await createTestFleet(database)
  servers = [await fleet.startServer(), await fleet.startServer()]
})
afterAll(async () => {
  await Promise.all(servers?.map((server) => server.stop(1_000)) ?? [])
  await database?.close()
})

const address = (server = servers[0]!) => `127.0.0.1:${server.port}`
const hostOf = async (hostId: string) =>
  (await query(database.ownerUrl, 'select status, advice from hosts where id = $1', [hostId]))[0]!

it('the newer wins, the host is locked and audited, and a new token is the way out', async () => {
  const identity = await enroll({
    joinToken: await fleet.createJoinToken(),
    server: address(),
    hostName: 'copied',
  })
  const connect = (bootId: string, server = servers[0]!) =>
    openRaw(address(server), identity.authority, identity, {
      method: 'Control',
      messages: [helloBytes({ bootId })],
    })
  const original = connect('original')
  await original.answered
  // On another server: that two live is seen in the database only.
  const copy = connect('copy', servers[1])
  await copy.answered
  expect((await hostOf(identity.hostId)).status).toBe('online')

  const back = await connect('original', servers[1]).ended
  expect([back.code, back.metadata.get('fairway-reason')]).toEqual([
    status.UNAUTHENTICATED,
    ['identity-shared'],
  ])
  expect(await hostOf(identity.hostId)).toEqual({
    status: 'locked',
    advice: expect.stringContaining('fairway host join-token copied'),
  })
  // A second time is no second alarm, and the newer one comes back locked.
  await connect('original').ended
  const again = connect('copy')
  await again.answered
  expect((await hostOf(identity.hostId)).status).toBe('locked')
  const alarms = await query(
    database.ownerUrl,
    `select id from audit_events where action = 'host.locked' and subject_id = $1`,
    [identity.hostId],
  )
  expect(alarms).toHaveLength(1)

  const waiting = await fleet.createTask(identity.hostId, { destroySnapshot: { snapshotId: 's1' } })
  const rejoined = await enroll({
    joinToken: await fleet.createJoinToken('copied'),
    server: address(),
    hostName: 'copied',
  })
  for (const { ended } of [copy, again]) {
    // The one that was superseded had gone already.
    expect([status.UNAUTHENTICATED, status.ABORTED]).toContain((await ended).code)
  }
  expect(rejoined.hostId).toBe(identity.hostId)
  const untouched = await fleet.task(waiting.id)
  expect([untouched.status, untouched.epoch]).toEqual(['queued', 0])
  const welcome = openRaw(address(), rejoined.authority, rejoined, {
    method: 'Control',
    messages: [helloBytes({ bootId: 'rejoined' })],
  })
  await welcome.answered
  await waitFor('the task to be given out', async () => (await fleet.task(waiting.id)).status === 'leased')
  expect((await hostOf(identity.hostId)).status).toBe('online')
})

it('an agent that is restarted is no second one', async () => {
  const agent = await joinAgent(fleet, { port: servers[0]!.port, handlers: {} })
  for (let round = 0; round < 3; round++) {
    await waitFor('the host to be online', async () => (await hostOf(agent.hostId)).status === 'online')
    await agent.stop()
    agent.start()
  }
  await waitFor('the host to be online', async () => (await hostOf(agent.hostId)).status === 'online')
  await agent[Symbol.asyncDispose]()
})
