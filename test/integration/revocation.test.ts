import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BuildService } from '../../proto/gen/fairway/v1/builds_pb.js'
import { IdentityService } from '../../proto/gen/fairway/v1/identity_pb.js'
import { LogService } from '../../proto/gen/fairway/v1/logs_pb.js'
import { MemberService } from '../../proto/gen/fairway/v1/members_pb.js'
import { TokenService } from '../../proto/gen/fairway/v1/tokens_pb.js'
import { arrangeMember, arrangeSecret, giveProjectRole } from '../support/people.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import {
  type ArrangedBuild,
  arrangeBuild,
  arrangeLogs,
  arrangeTenant,
  type Tenant,
} from '../support/tenant.ts'
import { waitFor } from '../support/wait-for.ts'

/** What is promised; the streams are told well before. */
const promisedMs = 5_000

let server: TestServer
let tenant: Tenant
let owner: string
let build: ArrangedBuild

beforeAll(async () => {
  server = await startTestServer()
  const { organizationId, token } = await server.createTenant('people')
  owner = token
  tenant = await arrangeTenant(server.context, organizationId, 'acme')
  // Nothing advances it: its streams stay open.
  build = await arrangeBuild(server.context, tenant, 'feature/endless')
  await (await arrangeLogs(server.context, tenant, build, 'resolve')).write(['hello'])
})

afterAll(() => server?.close())

interface OpenStream {
  readonly end: Promise<{ error: ConnectError; afterMs: number }>
  /** From now on the time is taken. */
  begin(): void
}

/** Reads until the stream ends, which it must with an error; resolves when the first message is there. */
async function open(messages: AsyncIterable<unknown>): Promise<OpenStream> {
  let received = 0
  let began = performance.now()
  const end = (async () => {
    try {
      for await (const _ of messages) received++
    } catch (error) {
      return { error: ConnectError.from(error), afterMs: performance.now() - began }
    }
    return expect.fail('the stream ended by itself')
  })()
  await waitFor('the first message', () => received > 0)
  return {
    end,
    begin: () => {
      began = performance.now()
    },
  }
}

async function openBoth(token: string): Promise<OpenStream[]> {
  const { number } = build
  const subject = { case: 'build', value: { project: 'acme', number } } as const
  return await Promise.all([
    open(server.client(BuildService, token).watchBuild({ build: { project: 'acme', number } })),
    open(server.client(LogService, token).readLogs({ subject, follow: true })),
  ])
}

async function expectEnd(streams: OpenStream[], reason: string): Promise<void> {
  for (const { end } of streams) {
    const { error, afterMs } = await end
    expect(error.code).toBe(Code.Unauthenticated)
    expect(error.metadata.get('fairway-reason')).toBe(reason)
    // A machine that is busy with the other tests may be late itself.
    expect(afterMs).toBeLessThan(2 * promisedMs)
  }
}

async function person(): Promise<{ name: string; token: string }> {
  const name = await arrangeMember(tenant)
  return { name, token: await arrangeSecret(tenant, name) }
}

describe.concurrent('open streams end, and calls are refused, when', () => {
  const members = () => server.client(MemberService, owner)

  test('the token is revoked', async () => {
    const { token } = await person()
    const stays = await person()
    const streams = await openBoth(token)
    const others = await openBoth(stays.token)
    let ended = 0
    for (const { end } of others) void end.then(() => ended++)
    const { tokens } = await server.client(TokenService, token).listTokens({})
    for (const stream of streams) stream.begin()
    await server.client(TokenService, owner).revokeToken({ token: tokens[0]?.id ?? '' })
    const refused = server.client(IdentityService, token).whoAmI({})
    await expect(refused).rejects.toMatchObject({ code: Code.Unauthenticated })
    await expectEnd(streams, 'token-invalid')
    expect(ended).toBe(0)
    await members().removeMember({ member: stays.name })
    await expectEnd(others, 'token-invalid')
  })

  test('the member is removed', async () => {
    const { name, token } = await person()
    const streams = await openBoth(token)
    for (const stream of streams) stream.begin()
    await members().removeMember({ member: name })
    await expect(server.client(IdentityService, token).whoAmI({})).rejects.toMatchObject({
      code: Code.Unauthenticated,
    })
    await expectEnd(streams, 'token-invalid')
  })

  test('the role in the project is taken away', async () => {
    const { name, token } = await person()
    const streams = await openBoth(token)
    for (const stream of streams) stream.begin()
    await members().removeMember({ member: name, project: 'acme' })
    const hidden = server.client(BuildService, token).listBuilds({ project: 'acme' })
    await expect(hidden).rejects.toMatchObject({ code: Code.NotFound })
    await expectEnd(streams, 'access-changed')
  })

  test('the role becomes another one', async () => {
    const { name, token } = await person()
    const streams = await openBoth(token)
    for (const stream of streams) stream.begin()
    await members().addMember({ member: name, project: 'acme', role: 'auditor' })
    await expectEnd(streams, 'access-changed')
  })

  test('the session ends by logging out', async () => {
    const { token } = await person()
    const streams = await openBoth(token)
    for (const stream of streams) stream.begin()
    await server.client(IdentityService, token).logout({})
    await expectEnd(streams, 'token-invalid')
  })

  test('but not when somebody is given more', async () => {
    const { name, token } = await person()
    const [stream] = await openBoth(token)
    await members().grantPermission({ member: name, project: 'acme', permission: 'audit.read' })
    const other = await arrangeTenant(server.context, tenant.organizationId, 'more')
    await giveProjectRole(other, name, 'developer')
    let ended = false
    void stream?.end.then(() => {
      ended = true
    })
    // At least one look at it has passed when a stream that is opened now has seen its own token end.
    const { token: later } = await person()
    const witness = await openBoth(later)
    await server.client(IdentityService, later).logout({})
    await expectEnd(witness, 'token-invalid')
    expect(ended).toBe(false)
    await server.client(IdentityService, token).logout({})
    await expectEnd(stream ? [stream] : [], 'token-invalid')
  })
})
