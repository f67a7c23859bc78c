import { create, toBinary } from '@bufbuild/protobuf'
import { type ChannelOptions, status } from '@grpc/grpc-js'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enroll } from '../../agent/link/enroll.ts'
import type { Identity } from '../../agent/link/identity.ts'
import { ControlRequestSchema, type Outcome } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { Fleet } from '../../server/fleet/fleet.ts'
import { createTestFleet, type TestFleet } from '../support/fleet.ts'
import { query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { helloBytes, openRaw, type StreamMethod } from '../support/raw-link.ts'

// Who should not be there, and what should not be said.

let database: TestDatabase
let fleet: TestFleet
let server: Fleet
let identity: Identity

beforeAll(async () => {
  database = await startTestDatabase()
  fleet = await createTestFleet(database)
  server = await fleet.startServer()
  identity = await join('victim')
})
afterAll(async () => {
  await server?.stop(1_000)
  await database?.close()
})

const address = () => `127.0.0.1:${server.port}`
const join = async (hostName: string) =>
  enroll({ joinToken: await fleet.createJoinToken(), server: address(), hostName })

/** Says these bytes on a stream; how it ended. */
const say = (method: StreamMethod, messages: readonly Uint8Array[], options: ChannelOptions = {}) =>
  openRaw(address(), identity.authority, identity, { method, messages, options }).ended
const hello = helloBytes()

describe('fault 31: a join token', () => {
  it('joins one of 50 that use it at once; the rest are refused and audited', async () => {
    const joinToken = await fleet.createJoinToken()
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, i) => enroll({ joinToken, server: address(), hostName: `racer-${i}` })),
    )
    const refused = results.filter((result) => result.status === 'rejected')
    expect(results.length - refused.length).toBe(1)
    for (const { reason } of refused) {
      expect(reason).toMatchObject({ code: status.UNAUTHENTICATED })
      expect(reason.metadata.get('fairway-reason')).toEqual(['join-token-used'])
    }
    const audited = await query(
      database.ownerUrl,
      `select action, count(*)::int as count from audit_events where organization_id = $1
       and (details->>'reason' = 'join-token-used' or details->>'name' like 'racer-%') group by action order by action`,
      [fleet.organizationId],
    )
    expect(audited).toEqual([
      { action: 'host.join-refused', count: 49 },
      { action: 'host.joined', count: 1 },
    ])
  }, 60_000)

  it('is refused when replayed, expired, unknown, or for a name that is taken', async () => {
    const used = await fleet.createJoinToken()
    await enroll({ joinToken: used, server: address(), hostName: 'first-use' })
    const attempt = async (joinToken: string, hostName = 'late') =>
      (await enroll({ joinToken, server: address(), hostName }).catch((error) => error)).metadata?.get(
        'fairway-reason',
      )
    expect(await attempt(used)).toEqual(['join-token-used'])
    expect(await attempt(await fleet.createJoinToken('', -1))).toEqual(['join-token-expired'])
    expect(await attempt(`fj_${'x'.repeat(43)}.${fleet.authority.fingerprint}`)).toEqual([
      'join-token-unknown',
    ])
    const unspent = await fleet.createJoinToken()
    expect(await attempt(unspent, 'first-use')).toEqual(['host-name-taken'])
    await enroll({ joinToken: unspent, server: address(), hostName: 'second-use' })
  })

  it('is not sent to a server of another authority', async () => {
    const joinToken = (await fleet.createJoinToken()).replace(/[0-9a-f]{64}$/, 'f'.repeat(64))
    await expect(enroll({ joinToken, server: address(), hostName: 'pinned' })).rejects.toThrow('was not sent')
  })
})

describe('fault 37: a malformed message', () => {
  it('is answered with InvalidArgument, whatever it is', async () => {
    const malformed = fc
      .uint8Array({ minLength: 1, maxLength: 64 })
      .map((bytes) => Uint8Array.of(0x0a, 0xff, ...bytes))
    await fc.assert(
      fc.asyncProperty(fc.constantFrom<StreamMethod>('Control', 'Logs'), malformed, async (method, bytes) => {
        expect((await say(method, [bytes])).code).toBe(status.INVALID_ARGUMENT)
      }),
      { numRuns: 40 },
    )
  })

  it('is answered likewise when an enum, a kind or an order is unknown', async () => {
    const task = { taskId: identity.hostId, epoch: 1 }
    const outcome = toBinary(
      ControlRequestSchema,
      create(ControlRequestSchema, { message: { case: 'result', value: { task, outcome: 99 as Outcome } } }),
    )
    const unknownKind = Uint8Array.of(0xfa, 0x01, 0x00)
    expect((await say('Control', [hello, outcome])).code).toBe(status.INVALID_ARGUMENT)
    expect((await say('Control', [hello, unknownKind])).code).toBe(status.INVALID_ARGUMENT)
    expect((await say('Control', [hello, hello])).code).toBe(status.INVALID_ARGUMENT)
    expect((await say('Control', [outcome])).code).toBe(status.INVALID_ARGUMENT)
  })

  it('leaves the server as it was', async () => {
    expect((await join('after-malformed')).hostName).toBe('after-malformed')
  })
})

describe('fault 38: too much', () => {
  it('is refused at 4 MiB, also when it is small only while compressed', async () => {
    const large = new Uint8Array(5 * 1_048_576)
    expect((await say('Control', [large])).code).toBe(status.RESOURCE_EXHAUSTED)
    expect((await say('Logs', [large])).code).toBe(status.RESOURCE_EXHAUSTED)
    const bomb = new Uint8Array(64 * 1_048_576)
    const compressed = { 'grpc.default_compression_algorithm': 2 }
    expect((await say('Control', [bomb], compressed)).code).toBe(status.RESOURCE_EXHAUSTED)
    expect((await join('after-bomb')).hostName).toBe('after-bomb')
  }, 60_000)
})
