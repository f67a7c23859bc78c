import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createCertificateRequest } from '../../agent/link/certificate-request.ts'
import { enroll } from '../../agent/link/enroll.ts'
import type { Fleet } from '../../server/fleet/fleet.ts'
import { renewCertificate } from '../../server/fleet/renewals.ts'
import { changedTables, digestTables } from '../support/database-digest.ts'
import { createTestFleet, type TestFleet } from '../support/fleet.ts'
import { refuseEvents, takeEvents } from '../support/full-audit-log.ts'
import { freePort, query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'

// What hosts change leaves events as well, or does not happen. Revoking one is a call: audit-coverage.test.ts.

let database: TestDatabase
let fleet: TestFleet
let server: Fleet
let port: number

beforeAll(async () => {
  database = await startTestDatabase()
  fleet = await createTestFleet(database)
  port = await freePort()
  server = await fleet.startServer({ port })
}, 60_000)
afterAll(async () => {
  await server?.stop(0)
  await database?.close()
})
afterEach(() => takeEvents(database))

const join = (joinToken: string) => enroll({ joinToken, server: `127.0.0.1:${port}`, hostName: 'one' })
const changesOf = async (action: () => Promise<unknown>) => {
  const before = await digestTables(database)
  await action()
  return changedTables(before, await digestTables(database))
}
const eventsOf = async (hostId: string) =>
  await query(
    database.ownerUrl,
    'select actor, action, details from audit_events where subject_id = $1 order by id',
    [hostId],
  )

describe('a host', () => {
  it('joins with an event, or not at all', async () => {
    const token = await fleet.createJoinToken('one')
    await refuseEvents(database)
    expect(await changesOf(() => expect(join(token)).rejects.toThrow())).toEqual([])
    await takeEvents(database)
    const { hostId } = await join(token)
    expect(await eventsOf(hostId)).toMatchObject([{ action: 'host.joined', details: { name: 'one' } }])
  })

  it('has its certificate renewed with an event, or not at all', async () => {
    const { hostId } = await join(await fleet.createJoinToken('two'))
    const [host] = await query<{ serial: string }>(
      database.ownerUrl,
      'select certificate_serial as serial from hosts where id = $1',
      [hostId],
    )
    const peer = {
      hostId,
      organizationId: fleet.organizationId,
      serial: host?.serial ?? '',
      expiresAtMs: Date.now() + 60_000,
    }
    const { csr } = await createCertificateRequest()
    const renew = () => renewCertificate(database.context, fleet.authority, peer, csr)
    await refuseEvents(database)
    expect(await changesOf(() => expect(renew()).rejects.toThrow('no room for events'))).toEqual([])
    await takeEvents(database)
    expect(await changesOf(renew)).toEqual(['hosts'])
    expect((await eventsOf(hostId)).at(-1)).toMatchObject({
      actor: `host:${hostId}`,
      action: 'host.certificate-renewed',
    })
  })
})
