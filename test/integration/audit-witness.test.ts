import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { showCheckpoint } from '../../agent/show-checkpoint.ts'
import { audit } from '../../server/db/audit.ts'
import { operation, withTenant } from '../../server/db/tenancy.ts'
import { makeCheckpoint } from '../../server/evidence/audit/checkpoints.ts'
import { listWitnesses } from '../../server/evidence/audit/witnesses.ts'
import { rotateKeys } from '../../server/evidence/keys.ts'
import type { Fleet } from '../../server/fleet/fleet.ts'
import { rewriteHistory } from '../support/audit-history.ts'
import { createTestFleet, joinAgent, type TestAgent, type TestFleet } from '../support/fleet.ts'
import { query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { waitFor } from '../support/wait-for.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await startTestDatabase()
}, 60_000)
afterAll(() => database?.close())

/** Servers and an agent of an organization of their own. */
async function arrange(servers = 1) {
  const fleet: TestFleet = await createTestFleet(database)
  const running: Fleet[] = []
  for (let n = 0; n < servers; n++) running.push(await fleet.startServer())
  const ports = running.map(({ port }) => port)
  const agent: TestAgent = await joinAgent(fleet, { port: ports[0]!, dial: ports, handlers: {} })
  const { organizationId } = fleet
  const op = operation(organizationId, 'test')
  const grow = async (count: number) => {
    await withTenant(database.databases, op, async (tx) => {
      for (let n = 0; n < count; n++) await audit(tx, op, 'test.note', { kind: 'test', id: `${n}` })
    })
    return await makeCheckpoint(database.context, organizationId)
  }
  const shown = () => showCheckpoint(agent.directory, { forget: false })
  const witness = async () =>
    (await withTenant(database.databases, op, listWitnesses)).find(({ name }) => name.startsWith('host:'))
  const refused = async () =>
    await query<{ details: { refusal: string } }>(
      database.ownerUrl,
      `select details from audit_events where organization_id = $1 and action = 'audit.checkpoint-refused'`,
      [organizationId],
    )
  return {
    organizationId,
    op,
    agent,
    grow,
    shown,
    witness,
    refused,
    async [Symbol.asyncDispose]() {
      await agent[Symbol.asyncDispose]()
      await Promise.all(running.map((server) => server.stop(0)))
    },
  }
}

describe('an agent', () => {
  test('keeps the newest checkpoint, whichever server has it', async () => {
    await using it = await arrange(2)
    const first = await it.grow(3)
    await waitFor('the first checkpoint', () => it.shown().note === first?.note)
    const second = await it.grow(4)
    await waitFor('the second checkpoint', () => it.shown().note === second?.note)
    await waitFor('its answer', async () => (await it.witness())?.size === second?.size)
    expect(await it.witness()).toMatchObject({ refusal: '' })
    expect(it.shown().exitCode).toBe(0)
    expect(await it.refused()).toEqual([])
  })

  test('takes what it missed while it was away', async () => {
    await using it = await arrange()
    await it.grow(1)
    await waitFor('the first checkpoint', () => it.shown().note !== '')
    await it.agent.stop()
    await it.grow(5)
    const last = await it.grow(11)
    it.agent.start()
    await waitFor('the last checkpoint', () => it.shown().note === last?.note)
    expect(await it.refused()).toEqual([])
  })

  test('refuses a tree whose tail was cut, and says so for all to see', async () => {
    await using it = await arrange()
    const kept = await it.grow(9)
    await waitFor('the checkpoint', () => it.shown().note === kept?.note)
    await rewriteHistory(database, it.organizationId, (events) => events.slice(0, 5))
    await makeCheckpoint(database.context, it.organizationId)
    await waitFor('the refusal', async () => (await it.refused()).length === 1)
    expect((await it.refused())[0]?.details.refusal).toContain('the tail was cut')
    expect(await it.witness()).toMatchObject({ size: kept?.size })
    expect(it.shown()).toMatchObject({ note: kept?.note, exitCode: 1 })
    expect(it.shown().remarks).toContain('the tail was cut')
  })

  test('refuses a tree that was forked, however it was made good in the database', async () => {
    await using it = await arrange()
    const kept = await it.grow(9)
    await waitFor('the checkpoint', () => it.shown().note === kept?.note)
    await rewriteHistory(database, it.organizationId, (events) =>
      events.map((event, index) => (index === 4 ? { ...event, actor: 'member:eve' } : event)),
    )
    await it.grow(3)
    await waitFor('the refusal', async () => (await it.refused()).length === 1)
    expect((await it.refused())[0]?.details.refusal).toContain('history was rewritten')
    expect(it.shown()).toMatchObject({ note: kept?.note, exitCode: 1 })
    // One refusal is one event, however often it is repeated.
    await it.grow(1)
    const size = (await it.grow(1))?.size
    await waitFor('another refusal', async () => it.shown().remarks.includes(`over ${size} events`))
    expect(await it.refused()).toHaveLength(1)
    // Only a person on the host makes it forget.
    expect(showCheckpoint(it.agent.directory, { forget: true }).note).toBe(kept?.note)
    const next = await it.grow(1)
    await waitFor('the next checkpoint', () => it.shown().note === next?.note)
  })

  test('follows a change of keys, and takes no key that the pinned one has not signed for', async () => {
    await using it = await arrange()
    await it.grow(2)
    await waitFor('the first checkpoint', () => it.shown().note !== '')
    const rotate = () =>
      withTenant(database.databases, it.op, (tx) =>
        rotateKeys(tx, it.op, database.context.sealer, 'checkpoints'),
      )
    await rotate()
    const changed = await it.grow(1)
    await waitFor('the checkpoint of the new key', () => it.shown().note === changed?.note)
    await it.agent.stop()
    await rotate()
    await rotate()
    await it.grow(1)
    it.agent.start()
    await waitFor('the refusal', async () => (await it.refused()).length === 1)
    expect((await it.refused())[0]?.details.refusal).toContain('it is not signed with the key')
  })
})
