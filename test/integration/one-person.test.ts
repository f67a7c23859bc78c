import { ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ApprovalService } from '../../proto/gen/fairway/v1/approvals_pb.js'
import { IdentityService } from '../../proto/gen/fairway/v1/identity_pb.js'
import { MemberService } from '../../proto/gen/fairway/v1/members_pb.js'
import { TokenService } from '../../proto/gen/fairway/v1/tokens_pb.js'
import type { ProtectedRequest } from '../../server/governance/protect.ts'
import { startBuild } from '../../server/services/builds/builds.ts'
import { authenticate } from '../../server/services/identity/authenticate.ts'
import { bootstrap } from '../../server/services/identity/bootstrap.ts'
import { arrangePolicy, askFor } from '../support/approvals.ts'
import { runCli } from '../support/cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer.ts'

// One person who tries to be two, through the real API.

const clientId = 'fairway'
let server: TestServer
let issuer: TokenIssuer
let tenant: Tenant
let organizationId: string
const tokens: Record<string, string> = {}
let projects = 0
let names = 0

beforeAll(async () => {
  issuer = await startTokenIssuer()
  server = await startTestServer({ oidc: { issuer: issuer.url, clientId }, organization: 'people' })
  const made = await server.createTenant('people')
  organizationId = made.organizationId
  tokens.ana = made.token
  tokens.olga = await server.createMember(organizationId, 'olga', 'owner')
  tokens.rita = await server.createMember(organizationId, 'rita', 'release-manager')
}, 60_000)
afterAll(async () => {
  await server?.close()
  await issuer?.close()
})
beforeEach(async () => {
  tenant = await arrangeTenant(server.context, organizationId, `shop-${++projects}`)
})

const members = (who: string) => server.client(MemberService, tokens[who])
const approvals = (who: string) => server.client(ApprovalService, tokens[who])
const identity = (who?: string) => server.client(IdentityService, who && tokens[who])
const refusal = async (answer: Promise<unknown>) =>
  await answer.then(
    () => expect.fail('it was accepted'),
    (error: unknown) => {
      const { rawMessage, metadata } = ConnectError.from(error)
      return { reason: metadata.get('fairway-reason'), message: rawMessage }
    },
  )

/** Somebody new, whom `by` adds, and who logs in with the code; gives the name. */
async function newcomer(by: string, role = 'release-manager'): Promise<string> {
  const member = `new-${++names}`
  const { code } = await members(by).addMember({ member, role })
  await logIn(member, code)
  return member
}

async function logIn(member: string, code: string): Promise<void> {
  const { session } = await identity().loginWithCode({ code })
  expect(session?.member).toBe(member)
  tokens[member] = session?.token ?? ''
}

async function waiting(request: Partial<ProtectedRequest> = {}): Promise<string> {
  const verdict = await askFor(server.context, tenant, { requestedBy: 'github:somebody', ...request })
  return verdict.kind === 'waiting' ? verdict.approvalId : expect.fail(`it is ${verdict.kind}`)
}

async function approve(who: string, approvalId: string) {
  const { approval } = await approvals(who).getApproval({ approvalId })
  return await approvals(who).approve({ approvalId, subjectSha256: approval?.subjectSha256 })
}

describe('a login code for somebody else', () => {
  it('is made for nobody who has logged in, in whatever way', async () => {
    const bo = await newcomer('ana')
    expect(await refusal(members('ana').inviteMember({ member: bo }))).toMatchObject({
      reason: 'has-logged-in',
      message: expect.stringContaining(`fairway member recover ${bo}`),
    })
    const eve = 'eve@example.com'
    const { code } = await members('ana').addMember({ member: eve, role: 'release-manager' })
    const idToken = await issuer.sign({ aud: clientId, sub: 'eve', email: eve, email_verified: true })
    await identity().loginWithIdToken({ idToken })
    expect(await refusal(members('ana').inviteMember({ member: eve }))).toMatchObject({
      reason: 'has-logged-in',
    })
    // Nor is one that was made before good any more.
    expect(await refusal(identity().loginWithCode({ code }))).toMatchObject({ reason: 'code-invalid' })
  })

  it('is made again for who lost it before they used it', async () => {
    const member = `new-${++names}`
    await members('ana').addMember({ member, role: 'developer' })
    await logIn(member, (await members('olga').inviteMember({ member })).code)
    expect((await identity(member).whoAmI({})).loginIssuedBy).toEqual(['member:olga'])
  })
})

describe('who logged in with a code', () => {
  it.each<[string, (issuer: string) => Partial<ProtectedRequest>]>([
    ['asked for', (ana) => ({ requestedBy: `member:${ana}` })],
    ['pushed', (ana) => ({ requestedBy: `github:${ana}` })],
    ['wrote', (ana) => ({ commitAuthor: `${ana}@example.org` })],
  ])('approves nothing that its issuer %s', async (_, request) => {
    const bo = await newcomer('ana')
    const id = await waiting(request('ana'))
    expect(await refusal(approve(bo, id))).toMatchObject({
      reason: 'not-your-approval',
      message: expect.stringMatching(/logged in with a code that ana issued/),
    })
    const { approval } = await approvals(bo).getApproval({ approvalId: id })
    expect(approval?.notForYou).toMatch(/a code that ana issued/)
    await approve('rita', id)
  })

  it('approves what others asked for, and the approval says whose code it was', async () => {
    const bo = await newcomer('ana')
    const id = await waiting()
    await approve(bo, id)
    const { approval } = await approvals('rita').getApproval({ approvalId: id })
    expect(approval?.votes).toMatchObject([{ member: bo, loginIssuedBy: ['member:ana'] }])
    const env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: tokens.rita ?? '' }
    expect((await runCli(['approval', 'show', id], env)).stdout).toContain(
      `by ${bo} (login issued by member:ana)`,
    )
    expect(JSON.parse((await runCli(['approval', 'show', id, '--json'], env)).stdout)).toMatchObject({
      votes: [{ member: bo, loginIssuedBy: ['member:ana'] }],
    })
  })

  it('is not vouched for by an account of the issuer’s in between', async () => {
    const second = await newcomer('ana', 'owner')
    const third = await newcomer(second)
    expect((await identity(third).whoAmI({})).loginIssuedBy).toEqual([`member:${second}`, 'member:ana'])
    const id = await waiting({ requestedBy: 'member:ana' })
    expect(await refusal(approve(third, id))).toMatchObject({ reason: 'not-your-approval' })
  })

  it('is no more worth with a token that they made', async () => {
    const bo = await newcomer('ana')
    const { secret, token } = await server.client(TokenService, tokens[bo]).createToken({ name: 'robot' })
    expect(token?.loginIssuedBy).toEqual(['member:ana'])
    tokens.robot = secret
    const id = await waiting({ requestedBy: 'member:ana' })
    expect(await refusal(approve('robot', id))).toMatchObject({ reason: 'not-your-approval' })
  })

  it('and its issuer are one of a quorum, and do not take away from what others give', async () => {
    await arrangePolicy(server.context, tenant, 'approvals: {production-deploy: {quorum: 2}}\n')
    const [bo, cy] = [await newcomer('ana'), await newcomer('ana')]
    const id = await waiting()
    const status = async () => (await approvals('rita').getApproval({ approvalId: id })).approval?.status
    await approve('ana', id)
    await approve(bo, id)
    expect(await status()).toBe('open')
    expect((await askFor(server.context, tenant, { requestedBy: 'github:somebody' })).kind).toBe('waiting')
    await approve(cy, id)
    expect(await status()).toBe('approved')
  })

  it('asks for nothing that its issuer then approves', async () => {
    const bo = await newcomer('ana')
    const caller = await authenticate(server.context, `Bearer ${tokens[bo]}`)
    const runId = await startBuild(server.context, caller, {
      project: tenant.project,
      branch: 'main',
      commit: '',
      trigger: 'manual',
    })
    const id = await waiting({ runId, requestedBy: caller.actor })
    expect(await refusal(approve('ana', id))).toMatchObject({
      reason: 'not-your-approval',
      message: expect.stringContaining('ana issued the code'),
    })
    await approve('rita', id)
  })

  it('closes no review of glass that its issuer broke, nor the other way round', async () => {
    await arrangePolicy(server.context, tenant, 'breakGlass: {roles: [owner, release-manager]}\n')
    const bo = await newcomer('ana')
    for (const [breaker, other] of [
      ['ana', bo],
      [bo, 'ana'],
    ] as const) {
      const approvalId = await waiting({ subject: { breaker } })
      await approvals(breaker).breakGlass({ approvalId, reason: 'the shop is down' })
      const closing = approvals(other).closeReview({ approvalId, note: 'all well' })
      expect(await refusal(closing)).toMatchObject({ reason: 'not-your-review' })
      await approvals('rita').closeReview({ approvalId, note: 'all well' })
    }
  })
})

describe('a lost access', () => {
  it('is recovered by two owners, and what its login does counts for neither', async () => {
    const lost = await newcomer('olga')
    const request = await members('ana').requestRecovery({ member: lost })
    expect(request.owners).toContain('olga')
    expect(await refusal(members('ana').confirmRecovery({ member: lost }))).toMatchObject({
      reason: 'not-your-recovery',
    })
    // The member sees what is under way, and what came of it.
    expect((await identity(lost).whoAmI({})).notices).toMatchObject([
      { kind: 'recovery-requested', by: ['member:ana'] },
    ])
    const { code, requestedBy } = await members('olga').confirmRecovery({ member: lost })
    expect(requestedBy).toBe('member:ana')
    const former = tokens[lost] ?? ''
    await logIn(lost, code)
    expect((await identity(lost).whoAmI({})).loginIssuedBy).toEqual(['member:ana', 'member:olga'])
    tokens.former = former
    expect((await identity('former').whoAmI({})).notices).toMatchObject([
      { kind: 'recovery', by: ['member:ana', 'member:olga'], usedAt: expect.anything() },
    ])
    const listed = (await members('ana').listMembers({})).members.find(({ name }) => name === lost)
    expect(listed?.loginNotices).toMatchObject([{ kind: 'recovery' }])
    for (const owner of ['ana', 'olga']) {
      const id = await waiting({ requestedBy: `member:${owner}` })
      expect(await refusal(approve(lost, id))).toMatchObject({ reason: 'not-your-approval' })
    }
    await approve(lost, await waiting({ subject: { commit: 'other' } }))
    expect(await refusal(members('olga').confirmRecovery({ member: lost }))).toMatchObject({
      reason: 'recovery-not-requested',
    })
  })

  it('is not confirmed by a second account of who asked, nor by the member', async () => {
    const lost = await newcomer('olga', 'owner')
    const second = await newcomer('ana', 'owner')
    await members('ana').requestRecovery({ member: lost })
    for (const who of [second, lost, 'ana']) {
      expect(await refusal(members(who).confirmRecovery({ member: lost }))).toMatchObject({
        reason: 'not-your-recovery',
      })
    }
    // Asked for by the second account, it is not confirmed by the first.
    await members(second).requestRecovery({ member: lost })
    expect(await refusal(members('ana').confirmRecovery({ member: lost }))).toMatchObject({
      reason: 'not-your-recovery',
    })
    expect((await members('olga').confirmRecovery({ member: lost })).code).toMatch(/^fc_/)
  })

  it('is asked for by owners alone, and for who had one', async () => {
    const lost = await newcomer('olga')
    expect(await refusal(members('rita').requestRecovery({ member: lost }))).toMatchObject({
      reason: 'permission-denied',
    })
    const { member } = await members('ana').addMember({ member: `new-${++names}`, role: 'developer' })
    expect(await refusal(members('ana').requestRecovery({ member: member?.name }))).toMatchObject({
      reason: 'not-logged-in',
    })
  })
})

it('where there is one owner, the operator of the server gives the code, and it stands in the session', async () => {
  const alone = await startTestServer({ organization: 'alone' })
  try {
    const { organizationId: id, token } = await alone.createTenant('alone')
    await alone.createMember(id, 'bo', 'developer')
    const asked = alone.client(MemberService, token).requestRecovery({ member: 'bo' })
    expect(await refusal(asked)).toMatchObject({
      reason: 'no-second-owner',
      message: expect.stringContaining('FAIRWAY_OWNER_CODE=bo'),
    })
    const context = { ...alone.context, config: { ...alone.context.config, ownerCodeFor: 'bo' } }
    const { offer } = await bootstrap(context)
    expect(offer?.member).toBe('bo')
    const { session } = await alone.client(IdentityService).loginWithCode({ code: offer?.code })
    expect(session?.notices).toMatchObject([{ kind: 'operator', by: ['operator'] }])
    const me = await alone.client(IdentityService, session?.token).whoAmI({})
    expect(me.loginIssuedBy).toEqual(['operator'])
  } finally {
    await alone.close()
  }
})

describe('at the OpenID provider', () => {
  const login = async (sub: string, email: string) => {
    const idToken = await issuer.sign({ aud: clientId, sub, email, email_verified: true })
    return await identity().loginWithIdToken({ idToken })
  }

  it('one person is one member, whatever addresses they have', async () => {
    await members('ana').addMember({ member: 'ann@example.com', role: 'owner' })
    await members('ana').addMember({ member: 'second@example.com', role: 'owner' })
    await login('ann', 'ann@example.com')
    expect(await refusal(login('ann', 'second@example.com'))).toMatchObject({ reason: 'subject-taken' })
  })

  it('an address that was given to somebody else is not the member’s', async () => {
    await members('ana').addMember({ member: 'leaver@example.com', role: 'owner' })
    await login('leaver', 'leaver@example.com')
    expect(await refusal(login('heir', 'leaver@example.com'))).toMatchObject({ reason: 'subject-changed' })
    await login('leaver', 'leaver@example.com')
    await members('ana').removeMember({ member: 'leaver@example.com' })
    await members('ana').addMember({ member: 'leaver@example.com', role: 'member' })
    await login('heir', 'leaver@example.com')
  })
})
