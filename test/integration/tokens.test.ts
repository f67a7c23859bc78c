import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BuildService } from '../../proto/gen/fairway/v1/builds_pb.js'
import { IdentityService } from '../../proto/gen/fairway/v1/identity_pb.js'
import { MemberService } from '../../proto/gen/fairway/v1/members_pb.js'
import { ProjectService } from '../../proto/gen/fairway/v1/projects_pb.js'
import { TokenService } from '../../proto/gen/fairway/v1/tokens_pb.js'
import { runCli } from '../support/cli.ts'
import { arrangeSecret } from '../support/people.ts'
import { query } from '../support/postgres.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'

let server: TestServer
let tenant: Tenant
let env: Record<string, string>
let developer: string

beforeAll(async () => {
  server = await startTestServer()
  const { organizationId, token } = await server.createTenant('people')
  tenant = await arrangeTenant(server.context, organizationId, 'acme')
  await arrangeTenant(server.context, organizationId, 'other')
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token }
  developer = await server.createMember(organizationId, 'dev', 'developer')
})

afterAll(() => server?.close())

const tokens = (token = developer) => server.client(TokenService, token)
const refusal = async (answer: Promise<unknown>) =>
  await answer.then(
    () => expect.fail('it was accepted'),
    (error: unknown) => {
      const { code, rawMessage, metadata } = ConnectError.from(error)
      return { code, message: rawMessage, reason: metadata.get('fairway-reason') }
    },
  )

test('a token for a pipeline: made, used, listed with its last use, revoked', async () => {
  const own = { ...env, FAIRWAY_TOKEN: developer }
  const words = ['token', 'create', 'ci', '--scope', 'build.start', '--scope', 'read', '--project', 'acme']
  const made = await runCli([...words, '--expires', '30d', '--json'], own)
  expect(made).toMatchObject({ code: 0, stderr: '' })
  const token = JSON.parse(made.stdout) as { secret: string; id: string; expiresAt: string }
  expect(token).toMatchObject({
    name: 'ci',
    kind: 'service',
    member: 'dev',
    project: 'acme',
    lastUsedAt: null,
  })
  expect(Date.parse(token.expiresAt) - Date.now()).toBeGreaterThan(29.9 * 86_400_000)

  const ci = { ...env, FAIRWAY_TOKEN: token.secret }
  expect((await runCli(['build', 'start', 'acme', 'feature/ci'], ci)).code).toBe(0)
  const cancel = await runCli(['build', 'cancel', 'acme/1'], ci)
  expect(cancel.code).toBe(4)
  expect(cancel.stderr).toContain('confined to build.start, read')
  expect((await runCli(['build', 'start', 'other', 'feature/ci'], ci)).code).toBe(3)
  expect((await runCli(['whoami'], ci)).stdout).toContain('token ci, confined to build.start, read')

  const list = await runCli(['token', 'list', '--json'], own)
  const row = (JSON.parse(list.stdout) as { id: string; lastUsedAt: string }[]).find(
    ({ id }) => id === token.id,
  )
  expect(Date.now() - Date.parse(row?.lastUsedAt ?? '')).toBeLessThan(60_000)
  expect(list.stdout).not.toContain(token.secret)
  expect((await runCli(['token', 'revoke', 'ci', '--yes'], own)).code).toBe(0)
  expect((await runCli(['whoami'], ci)).code).toBe(4)
  expect((await runCli(['token', 'revoke', token.id, '--yes'], own)).code).toBe(5)
  const kept = await query<{ row: string }>(
    server.database.ownerUrl,
    'select t::text as row from tokens t union all select a::text from audit_events a',
  )
  for (const { row } of kept) expect(row).not.toContain(token.secret.slice(3))
})

describe('a token is never worth more than', () => {
  test('the member who makes it', async () => {
    const error = await refusal(tokens().createToken({ name: 'x', scopes: ['policy.set'] }))
    expect(error).toMatchObject({ code: Code.InvalidArgument, reason: 'invalid-scopes' })
    expect(error.message).toContain('don’t have policy.set')
    const { secret } = await tokens().createToken({ name: 'all' })
    const projects = server.client(ProjectService, secret)
    expect(
      (await refusal(projects.createProject({ name: 'p', repositoryUrl: 'https://g.example/a/b' }))).code,
    ).toBe(Code.PermissionDenied)
  })

  test('the member becomes later', async () => {
    const name = 'later'
    const token = await server.createMember(tenant.organizationId, name, 'developer')
    const { secret } = await tokens(token).createToken({ name: 'build', scopes: ['build.start'] })
    const start = () =>
      server.client(BuildService, secret).startBuild({ project: 'acme', branch: 'feature/later' })
    await start()
    await tenant.scope((tx) =>
      tx.updateTable('members').set({ role: 'auditor' }).where('name', '=', name).execute(),
    )
    expect((await refusal(start())).code).toBe(Code.PermissionDenied)
  })

  test('the token with which it is made', async () => {
    const confined = await tokens().createToken({
      name: 'maker',
      scopes: ['token.create', 'read'],
      project: 'acme',
    })
    const maker = tokens(confined.secret)
    for (const scopes of [[], ['build.start'], ['read', 'build.start']]) {
      expect(await refusal(maker.createToken({ name: 'wider', scopes }))).toMatchObject({
        code: Code.InvalidArgument,
        reason: 'invalid-scopes',
      })
    }
    expect(
      (await refusal(maker.createToken({ name: 'elsewhere', scopes: ['read'], project: 'other' }))).code,
    ).toBe(Code.NotFound)
    const made = await maker.createToken({ name: 'narrower', scopes: ['read'] })
    expect(made.token).toMatchObject({ scopes: ['read'], project: 'acme' })
  })

  test('the one project that it is confined to, though its member is owner', async () => {
    const owner = tokens(env.FAIRWAY_TOKEN)
    const { secret } = await owner.createToken({ name: 'owner-of-one', project: 'acme' })
    const members = server.client(MemberService, secret)
    const refused = await refusal(members.addMember({ member: 'eve', role: 'owner' }))
    expect(refused).toMatchObject({ code: Code.PermissionDenied, reason: 'token-project' })
    expect(refused.message).toContain('confined to one project')
    expect(await refusal(tokens(secret).createToken({ name: 'x', scopes: ['member.manage'] }))).toMatchObject(
      {
        reason: 'invalid-scopes',
      },
    )
    const { token } = await owner.createToken({ name: 'not-its-own', scopes: ['read'] })
    // Ending tokens of the same member reaches beyond the project, and takes nothing but away.
    await tokens(secret).revokeToken({ token: token?.id })
    await server.client(BuildService, secret).startBuild({ project: 'acme', branch: 'feature/own' })
  })

  test('the time that is left of the service token with which it is made', async () => {
    const hour = await tokens().createToken({ name: 'hour', lifetimeSeconds: 3_600n })
    const maker = tokens(hour.secret)
    const refused = await refusal(maker.createToken({ name: 'year', lifetimeSeconds: 31_536_000n }))
    expect(refused).toMatchObject({ code: Code.InvalidArgument, reason: 'invalid-lifetime-seconds' })
    const made = await maker.createToken({ name: 'heir' })
    expect(made.token?.expiresAt).toEqual(hour.token?.expiresAt)
    await tokens().revokeToken({ token: hour.token?.id })
    const heir = server.client(IdentityService, made.secret)
    expect((await refusal(heir.whoAmI({}))).code).toBe(Code.Unauthenticated)
  })
})

test.each([
  ['developer', undefined],
  ['auditor', Code.PermissionDenied],
] as const)('who is %s in a project only', async (role, refused) => {
  const name = `${role}@example.org`
  const token = await server.createMember(tenant.organizationId, name, 'member')
  await tenant.scope(async (tx) => {
    const { id } = await tx
      .selectFrom('members')
      .select('id')
      .where('name', '=', name)
      .executeTakeFirstOrThrow()
    await tx
      .insertInto('project_members')
      .values({
        organization_id: tenant.organizationId,
        project_id: tenant.projectId,
        member_id: id,
        role,
        given_by: 'test',
      })
      .execute()
  })
  const made = tokens(token).createToken({ name: 'ci', scopes: ['read'] })
  if (refused) expect((await refusal(made)).code).toBe(refused)
  else expect((await made).token?.member).toBe(name)
})

test('`read` reads and changes nothing', async () => {
  const { secret } = await tokens(env.FAIRWAY_TOKEN).createToken({ name: 'reader', scopes: ['read'] })
  const reader = { ...env, FAIRWAY_TOKEN: secret }
  expect((await runCli(['member', 'list'], reader)).code).toBe(0)
  expect((await runCli(['build', 'list'], reader)).code).toBe(0)
  expect((await runCli(['build', 'start', 'acme', 'feature/x'], reader)).code).toBe(4)
  expect((await refusal(tokens(secret).createToken({ name: 'x', scopes: ['read'] }))).code).toBe(
    Code.PermissionDenied,
  )
  // But whoever has it may end it.
  await server.client(IdentityService, secret).logout({})
  expect((await refusal(server.client(IdentityService, secret).whoAmI({}))).code).toBe(Code.Unauthenticated)
})

test('a token without `read` does what it is for and shows nothing', async () => {
  const { secret } = await tokens().createToken({ name: 'starter', scopes: ['build.start'] })
  const { build } = await server
    .client(BuildService, secret)
    .startBuild({ project: 'acme', branch: 'feature/blind' })
  const ref = { project: 'acme', number: build?.number ?? 0 }
  const builds = server.client(BuildService, secret)
  const watch = async () => {
    for await (const _ of builds.watchBuild({ build: ref }));
  }
  for (const read of [
    () => builds.getBuild({ build: ref }),
    () => builds.listBuilds({}),
    watch,
    () => server.client(ProjectService, secret).listProjects({}),
  ]) {
    expect(await refusal(read())).toMatchObject({ code: Code.PermissionDenied, reason: 'token-scope' })
  }
  expect((await server.client(IdentityService, secret).whoAmI({})).scopes).toEqual(['build.start'])
})

test('a scope of one kind of reading shows that kind alone', async () => {
  const { secret } = await tokens(env.FAIRWAY_TOKEN).createToken({ name: 'hr', scopes: ['member.read'] })
  const { members } = await server.client(MemberService, secret).listMembers({})
  expect(members.length).toBeGreaterThan(0)
  expect(await refusal(server.client(BuildService, secret).listBuilds({}))).toMatchObject({
    reason: 'token-scope',
  })
})

test.each<[string, object, string]>([
  ['a misspelt scope', { scopes: ['build.strat'] }, 'Did you mean build.start?'],
  ['an empty scope', { scopes: [''] }, 'is no scope'],
  ['no name', { name: '' }, 'Give the token a name'],
  ['a name of several lines', { name: 'a\nb' }, 'Give the token a name'],
  ['longer than a year', { lifetimeSeconds: 366n * 86_400n }, 'a year at most'],
  ['a negative time', { lifetimeSeconds: -5n }, 'a year at most'],
])('%s is refused', async (_, wrong, why) => {
  const error = await refusal(tokens().createToken({ name: 'x', scopes: ['read'], ...wrong }))
  expect(error.code).toBe(Code.InvalidArgument)
  expect(error.message).toContain(why)
})

describe('whose tokens one sees and ends', () => {
  test('one’s own', async () => {
    const mine = await server.createMember(tenant.organizationId, 'mine', 'developer')
    const { token } = await tokens(mine).createToken({ name: 'same' })
    const { tokens: seen } = await tokens(mine).listTokens({})
    expect(seen.map(({ member }) => member)).toEqual(['mine', 'mine'])
    const guessed = await refusal(tokens().revokeToken({ token: token?.id }))
    const absent = await refusal(tokens().revokeToken({ token: '00000000-0000-0000-0000-000000000000' }))
    expect(guessed).toMatchObject({ code: Code.NotFound, reason: absent.reason })
    expect((await refusal(tokens().revokeToken({ token: 'same' }))).code).toBe(Code.NotFound)
    await tokens(mine).createToken({ name: 'same' })
    expect(await refusal(tokens(mine).revokeToken({ token: 'same' }))).toMatchObject({
      reason: 'token-ambiguous',
    })
  })

  test('everybody’s for owners and, to see, auditors', async () => {
    const auditor = await server.createMember(tenant.organizationId, 'audrey', 'auditor')
    for (const token of [env.FAIRWAY_TOKEN, auditor]) {
      const names = (await tokens(token).listTokens({ all: true })).tokens.map(({ member }) => member)
      expect(names).toEqual(expect.arrayContaining(['ana', 'dev', 'audrey']))
    }
    const secret = await arrangeSecret(tenant, 'dev')
    const { tokens: devs } = await tokens(env.FAIRWAY_TOKEN).listTokens({})
    const target = devs.find(({ name, member }) => name === 'of dev' && member === 'dev')
    expect((await refusal(tokens(auditor).revokeToken({ token: target?.id }))).code).toBe(Code.NotFound)
    await tokens(env.FAIRWAY_TOKEN).revokeToken({ token: target?.id })
    expect((await refusal(server.client(IdentityService, secret).whoAmI({}))).code).toBe(Code.Unauthenticated)
  })
})
