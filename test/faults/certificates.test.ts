import { X509Certificate } from 'node:crypto'
import { create, toBinary } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { type StatusObject, status } from '@grpc/grpc-js'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { enroll } from '../../agent/link/enroll.ts'
import type { Identity } from '../../agent/link/identity.ts'
import { LogsRequestSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { operation } from '../../server/db/tenancy.ts'
import {
  X509Certificate as Certificate,
  createAuthorityCertificate,
  createKeyPair,
  type EndEntity,
  exportPrivateKey,
  type Issuer,
  importPrivateKey,
  issueCertificate,
  pemOfPrivateKey,
} from '../../server/fleet/certificates.ts'
import { expireTasks } from '../../server/fleet/expiry.ts'
import type { Fleet } from '../../server/fleet/fleet.ts'
import { newLineage } from '../../server/fleet/serials.ts'
import type { Caller } from '../../server/governance/authorize.ts'
import { revokeHost } from '../../server/services/hosts/host-revocation.ts'
import { getHost } from '../../server/services/hosts/hosts.ts'
import { createTestFleet, joinAgent, type TestFleet } from '../support/fleet.ts'
import { query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { type Credentials, connectRaw, helloBytes, openRaw } from '../support/raw-link.ts'
import { waitFor } from '../support/wait-for.ts'

// Fault 30: certificates that are no good, or stop being so while a stream is open.

let database: TestDatabase
let fleet: TestFleet
let servers: Fleet[]
/** Of the fleet, with its key: what the servers never show. */
let authority: Issuer
let foreign: Issuer
let owner: Caller
const hour = 3_600_000

beforeAll(async () => {
  database = await startTestDatabase()
  fleet = await createTestFleet(database)
  servers = [await fleet.startServer(), await fleet.startServer()]
  const [row] = await query<{ certificate: string; key_sealed: Buffer }>(
    database.ownerUrl,
    'select certificate, key_sealed from authority',
  )
  const pkcs8 = database.context.sealer.open(row!.key_sealed, 'fleet-authority')
  authority = {
    certificate: new Certificate(row!.certificate),
    key: await importPrivateKey(new Uint8Array(pkcs8)),
  }
  const keys = await createKeyPair()
  foreign = { certificate: await createAuthorityCertificate(keys), key: keys.privateKey }
  owner = {
    ...operation(fleet.organizationId, 'member:ana'),
    access: { role: 'owner', projects: 'all', projectRoles: new Map(), scopes: [] },
  }
})
afterAll(async () => {
  await Promise.all(servers?.map((server) => server.stop(1_000)) ?? [])
  await database?.close()
})

let hosts = 0
const address = (server = servers[0]!) => `127.0.0.1:${server.port}`
const join = async (hostName = `host-${++hosts}`) =>
  enroll({ joinToken: await fleet.createJoinToken(), server: address(), hostName })
const serialOf = ({ certificate }: Credentials) => new X509Certificate(certificate).serialNumber.toLowerCase()

/** The host's certificate as it would be with one thing different. */
async function instead(
  identity: Identity,
  difference: Partial<EndEntity> & { issuer?: Issuer } = {},
): Promise<Credentials> {
  const { issuer = authority, ...rest } = difference
  const keys = await createKeyPair()
  const issued = await issueCertificate(issuer, {
    commonName: identity.hostId,
    publicKey: keys.publicKey,
    serialNumber: serialOf(identity),
    usage: 'client',
    names: [{ type: 'url', value: `fairway:host:${identity.hostId}` }],
    lifeMs: hour,
    ...rest,
  })
  return {
    key: pemOfPrivateKey(await exportPrivateKey(keys.privateKey)),
    certificate: issued.toString('pem'),
  }
}

const notYetValid = async (identity: Identity) => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * hour })
  try {
    return await instead(identity)
  } finally {
    vi.useRealTimers()
  }
}

const replaced = async (identity: Identity) => {
  await query(database.ownerUrl, 'update hosts set certificate_serial = $2 where id = $1', [
    identity.hostId,
    newLineage(),
  ])
  return identity
}

const revoked = async (identity: Identity) => {
  await revokeHost(database.context, owner, { host: identity.hostId, reason: 'the machine was sold' })
  return identity
}

const forgotten = (identity: Identity) =>
  instead({ ...identity, hostId: '6c1f2f0a-3b1d-4a54-9a55-0d1a4f1f7d11' })

/** Everything that can be wrong, with the reason that says so, and what the agent's log says to do. */
const wrong: [string, (identity: Identity) => Promise<Credentials>, RegExp][] = [
  ['certificate-expired', (identity) => instead(identity, { lifeMs: -1_000 }), /this host's clock is right/],
  ['certificate-not-yet-valid', notYetValid, /set the clock/],
  ['certificate-foreign', (identity) => instead(identity, { issuer: foreign }), /check FAIRWAY_SERVERS/],
  ['certificate-purpose', (identity) => instead(identity, { usage: 'server' }), /not a host's/],
  ['certificate-purpose', (identity) => instead(identity, { usage: 'authorizer' }), /not a host's/],
  ['certificate-replaced', replaced, /somebody has joined in its name/],
  ['certificate-revoked', revoked, /ask who runs the control plane/],
  ['host-unknown', forgotten, /fairway host join-token/],
]

const reasonOf = ({ code, metadata }: StatusObject) => {
  expect(code).toBe(status.UNAUTHENTICATED)
  return metadata.get('fairway-reason')[0]
}
const control = (identity: Pick<Identity, 'authority'>, who: Credentials | 'nobody', server = servers[0]!) =>
  openRaw(address(server), identity.authority, who, { method: 'Control', messages: [helloBytes()] })

/** A log stream that has been let in: an unknown stream of lines is answered. */
const logs = (identity: Identity, who: Credentials, server = servers[0]!) => {
  const request = create(LogsRequestSchema, { streamId: identity.hostId, firstSequence: 1n, entries: [{}] })
  const messages = [toBinary(LogsRequestSchema, request)]
  return openRaw(address(server), identity.authority, who, { method: 'Logs', messages })
}

describe('a certificate', () => {
  it('is required', async () => {
    const identity = await join()
    expect(reasonOf(await control(identity, 'nobody').ended)).toBe('certificate-required')
  })

  it.each(wrong)('is refused with %s, which the agent explains', async (reason, make, advice) => {
    const agent = await joinAgent(fleet, { port: servers[0]!.port, handlers: {} })
    await agent.stop()
    const identity = agent.identities.read()!
    const credentials = await make(identity)
    expect(reasonOf(await control(identity, credentials).ended)).toBe(reason)
    expect(reasonOf(await logs(identity, credentials).ended)).toBe(reason)

    const lines: Record<string, unknown>[] = []
    agent.identities.write({ ...identity, ...credentials })
    agent.start({}, pino({ level: 'error' }, { write: (line: string) => void lines.push(JSON.parse(line)) }))
    const line = await waitFor('the agent to say why', () =>
      lines.find(({ msg }) => msg === 'the link is refused'),
    )
    expect(line).toMatchObject({ reason, advice: expect.stringMatching(advice) })
    await agent[Symbol.asyncDispose]()
  })

  it('of another fleet makes the agent refuse the server, and say so', async () => {
    const agent = await joinAgent(fleet, { port: servers[0]!.port, handlers: {} })
    await agent.stop()
    const lines: Record<string, unknown>[] = []
    agent.identities.write({
      ...agent.identities.read()!,
      authority: foreign.certificate.toString('pem'),
    })
    agent.start({}, pino({ level: 'error' }, { write: (line: string) => void lines.push(JSON.parse(line)) }))
    await waitFor('the agent to say why', () => lines.some(({ reason }) => reason === 'server-foreign'))
    await agent[Symbol.asyncDispose]()
  })

  it('ends every open stream within 5 s of its end', async () => {
    const identity = await join()
    const credentials = await instead(identity, { lifeMs: 3_000 })
    const endsAtMs = new X509Certificate(credentials.certificate).validToDate.getTime()
    const streams = [control(identity, credentials), logs(identity, credentials)]
    await Promise.all(streams.map(({ answered }) => answered))
    for (const { ended } of streams) expect(reasonOf(await ended)).toBe('certificate-expired')
    const lateMs = Date.now() - endsAtMs
    expect(lateMs).toBeGreaterThanOrEqual(0)
    expect(lateMs).toBeLessThan(5_000)
  }, 15_000)

  it('begins no new stream on a connection that began while it was good', async () => {
    const identity = await join()
    const credentials = await instead(identity, { lifeMs: 1_500 })
    const endsAtMs = new X509Certificate(credentials.certificate).validToDate.getTime()
    const connection = connectRaw(address(), identity.authority, credentials)
    const hello = { method: 'Control', messages: [helloBytes()] } as const
    const stream = connection.say(hello)
    await stream.answered
    await waitFor('its end', () => Date.now() > endsAtMs)
    const late = connection.say(hello)
    const first = await Promise.race([late.answered.then(() => 'let in'), late.ended.then(reasonOf)])
    expect(first).toBe('certificate-expired')
    await stream.ended
  }, 15_000)
})

describe('a revoked host', () => {
  it('has its streams ended on every server within 5 s, and a reason for people', async () => {
    const identity = await join()
    const streams = [
      ...servers.map((server) => control(identity, identity, server)),
      ...servers.map((server) => logs(identity, identity, server)),
    ]
    await Promise.all(streams.map(({ answered }) => answered))
    const revokedAtMs = performance.now()
    await revokeHost(database.context, owner, { host: identity.hostName, reason: 'stolen' })
    for (const { ended } of streams) expect(reasonOf(await ended)).toBe('certificate-revoked')
    expect(performance.now() - revokedAtMs).toBeLessThan(5_000)
    const host = await getHost(database.context, owner, identity.hostName)
    expect(host).toMatchObject({
      advice: expect.stringMatching(/Revoked by member:ana: stolen\. .*join-token/),
    })
    expect(host.revokedAt).toBeDefined()
    const audited = await query(
      database.ownerUrl,
      `select actor, details from audit_events where action = 'host.revoked' and subject_id = $1`,
      [identity.hostId],
    )
    expect(audited).toMatchObject([
      { actor: 'member:ana', details: { reason: 'stolen', name: identity.hostName } },
    ])
    // Nobody puts it back by mistake: a server that had not heard writes no other status.
    const [row] = await query(database.ownerUrl, 'select status from hosts where id = $1', [identity.hostId])
    expect(row).toEqual({ status: 'revoked' })
    await expect(
      revokeHost(database.context, owner, { host: identity.hostName, reason: 'again' }),
    ).rejects.toMatchObject({ reason: 'host-revoked' })
  })

  it('comes back with a token made afterwards, and with none from before', async () => {
    const identity = await join()
    const before = await fleet.createJoinToken(identity.hostName)
    await revokeHost(database.context, owner, { host: identity.hostName, reason: 'sold' })
    const attempt = (joinToken: string) =>
      enroll({ joinToken, server: address(), hostName: identity.hostName })
    const refused = await attempt(before).catch((error) => error)
    expect(refused.metadata?.get('fairway-reason')).toEqual(['join-token-void'])
    const unnamed = await attempt(await fleet.createJoinToken()).catch((error) => error)
    expect(unnamed.metadata?.get('fairway-reason')).toEqual(['host-name-taken'])
    const back = await attempt(await fleet.createJoinToken(identity.hostName))
    expect(back.hostId).toBe(identity.hostId)
    const stream = control(back, back)
    await stream.answered
    expect(reasonOf(await control(identity, identity).ended)).toBe('certificate-replaced')
    await revoked(back)
    expect(reasonOf(await stream.ended)).toBe('certificate-revoked')
  })

  it('has its tasks ended, so that their runs go on without it', async () => {
    const identity = await join()
    const { id } = await fleet.createTask(identity.hostId, { resolve: {} })
    await revoked(identity)
    await expireTasks(database.context)
    expect(await fleet.task(id)).toMatchObject({ status: 'failed', reason: 'host-revoked' })
  })
})

describe('a clock that is off', () => {
  it.each([
    [2 * hour, /2 h ahead of the server's/],
    [-2 * hour, /2 h behind the server's/],
    [0, /^$/],
  ])('by %d ms is known of the host, and warned of', async (offsetMs, advice) => {
    const identity = await join()
    const hello = helloBytes({ clock: timestampFromMs(Date.now() + offsetMs) })
    const stream = openRaw(address(), identity.authority, identity, { method: 'Control', messages: [hello] })
    await stream.answered
    const host = await getHost(database.context, owner, identity.hostName)
    expect(Math.abs(Number(host.clockOffsetMs) - offsetMs)).toBeLessThan(5_000)
    expect(host.advice).toMatch(advice)
    await revoked(identity)
    await stream.ended
  })
})
