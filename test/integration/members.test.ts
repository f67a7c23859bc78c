import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EnvironmentService } from '../../proto/gen/fairway/v1/environments_pb.js'
import { IdentityService } from '../../proto/gen/fairway/v1/identity_pb.js'
import { MemberService } from '../../proto/gen/fairway/v1/members_pb.js'
import { ProjectService } from '../../proto/gen/fairway/v1/projects_pb.js'
import { runCli } from '../support/cli.ts'
import { arrangeMember, arrangeSecret } from '../support/people.ts'
import { query } from '../support/postgres.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeBuild, arrangeTenant, finishBuild, type Tenant } from '../support/tenant.ts'

let server: TestServer
let tenant: Tenant
let owner: string
let env: Record<string, string>

beforeAll(async () => {
  server = await startTestServer()
  const { organizationId, token } = await server.createTenant('people')
  owner = token
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: owner }
  tenant = await arrangeTenant(server.context, organizationId, 'acme')
  await arrangeTenant(server.context, organizationId, 'other')
  for (const branch of ['main', 'feature/hello']) {
    await finishBuild(tenant, await arrangeBuild(server.context, tenant, branch))
  }
})

afterAll(() => server?.close())

const members = (token = owner) => server.client(MemberService, token)
const cli = (...words: string[]) => runCli(words, env)
const json = async <T>(...words: string[]): Promise<T> => {
  const { code, stdout, stderr } = await cli(...words, '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as T
}
const refusal = async (answer: Promise<unknown>) =>
  await answer.then(
    () => expect.fail('it was accepted'),
    (error: unknown) => {
      const { code, rawMessage, metadata } = ConnectError.from(error)
      return { code, message: rawMessage, reason: metadata.get('fairway-reason') }
    },
  )

test('as in the issue: added to a project, granted a shell in production, explained', async () => {
  const added = await json<{ code: string; role: string }>(
    ...['member', 'add', 'acme', 'Ana.Banana@Example.com', '--role', 'developer'],
  )
  expect(added).toMatchObject({
    name: 'ana.banana@example.com',
    role: 'member',
    projectRoles: [{ project: 'acme', role: 'developer' }],
  })
  expect(added.code).toMatch(/^fc_[\w-]{43}$/)

  const before = await cli('access', 'explain', 'ana.banana', 'acme', 'production', 'shell')
  expect(before.stdout).toContain('No: ana.banana may not shell in acme production.')
  const grant = ['member', 'grant', 'acme', 'ana.banana@example.com', '--env', 'production']
  const granted = await json<{ id: string; expiresAt: string }>(
    ...grant,
    '--action',
    'shell',
    '--until',
    '2d',
  )
  expect(granted).toMatchObject({
    environment: 'production',
    stage: null,
    permission: 'shell',
    grantedBy: 'member:ana',
  })
  const hours = (Date.parse(granted.expiresAt) - Date.now()) / 3_600_000
  expect(hours).toBeGreaterThan(47.9)
  expect(hours).toBeLessThanOrEqual(48.1)

  const after = await cli('access', 'explain', 'ana.banana', 'acme', 'production', 'shell')
  expect(after.stdout).toContain('Yes: ana.banana may shell in acme production.')
  expect(after.stdout).toContain('member:ana granted shell on production until')
  expect(after.stdout).toContain('✗ the role developer in this project may not shell in production')
  expect(after.stdout).toContain('Policy: shell needs one approval, by owner or release-manager, each time')
  expect((await cli('member', 'grants', 'acme')).stdout).toContain('ana.banana@example.com')
  expect((await cli('member', 'revoke-grant', granted.id, '--yes')).code).toBe(0)
  expect((await cli('member', 'revoke-grant', granted.id, '--yes')).code).toBe(5)
  expect(await json('access', 'explain', 'ana.banana', 'acme', 'production', 'shell')).toMatchObject({
    allowed: false,
    approval: expect.stringContaining('one approval'),
  })
  expect(await json<unknown[]>('member', 'grants', 'acme')).toEqual([])
  expect(await json<unknown[]>('member', 'grants', 'acme', '--all')).toHaveLength(1)
})

describe('roles', () => {
  test('a role replaces another; the code is for the new only', async () => {
    const first = await members().addMember({ member: 'bo@example.com', role: 'developer' })
    expect(first.code).toMatch(/^fc_/)
    const second = await members().addMember({ member: 'bo@example.com', role: 'release-manager' })
    expect(second).toMatchObject({ code: '', member: { role: 'release-manager' } })
    const again = await refusal(members().addMember({ member: 'bo', role: 'nonsense' }))
    expect(again.reason).toBe('invalid-role')
    const same = members().addMember({ member: 'bo@example.com', role: 'release-manager' })
    expect(await refusal(same)).toMatchObject({ code: Code.AlreadyExists, reason: 'role-exists' })
  })

  test.each<[string, Record<string, string>, string]>([
    ['a misspelt role', { member: 'x', role: 'developper' }, 'Did you mean developer?'],
    ['no role', { member: 'x', role: '' }, 'give one of owner'],
    ['owner of a project', { member: 'x', role: 'owner', project: 'acme' }, 'no role in a project'],
    ['a name with spaces', { member: 'Ana Banana', role: 'developer' }, 'names no member'],
    ['no name', { member: ' ', role: 'developer' }, 'names no member'],
    ['an address without a person', { member: '@example.com', role: 'developer' }, 'names no member'],
    ['a very long name', { member: 'x'.repeat(64), role: 'developer' }, 'names no member'],
  ])('%s is refused, and nobody is added', async (_, request, why) => {
    const error = await refusal(members().addMember(request))
    expect(error.code).toBe(Code.InvalidArgument)
    expect(error.message).toContain(why)
    const names = (await members().listMembers({})).members.map(({ name }) => name)
    expect(names).not.toContain(request.member)
  })

  test('the last owner can be neither removed nor made something else', async () => {
    const demoted = members().addMember({ member: 'ana', role: 'developer' })
    expect(await refusal(demoted)).toMatchObject({ code: Code.FailedPrecondition, reason: 'last-owner' })
    expect(await refusal(members().removeMember({ member: 'ana' }))).toMatchObject({ reason: 'last-owner' })
  })

  test('of two owners who remove each other at once one stays', async () => {
    const { token } = await anotherOwner('olga')
    await members().removeMember({ member: 'olga' })
    expect(await refusal(server.client(IdentityService, token).whoAmI({}))).toMatchObject({
      code: Code.Unauthenticated,
    })
    for (let round = 0; round < 5; round++) {
      const other = await anotherOwner(`owner-${round}`)
      const outcomes = await Promise.allSettled([
        members().addMember({ member: `owner-${round}`, role: 'developer' }),
        members(other.token).addMember({ member: 'ana', role: 'developer' }),
      ])
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      const living = "select name from members where role = 'owner' and removed_at is null"
      const owners = await query<{ name: string }>(server.database.ownerUrl, living)
      expect(owners).toHaveLength(1)
      if (owners[0]?.name === 'ana') continue
      await members(other.token).addMember({ member: 'ana', role: 'owner' })
      await members().addMember({ member: `owner-${round}`, role: 'developer' })
    }
  })

  async function anotherOwner(name: string) {
    const token = await server.createMember(tenant.organizationId, name, 'owner')
    return { name, token }
  }

  test('an auditor is given nothing that changes things', async () => {
    await members().addMember({ member: 'audrey', role: 'auditor' })
    const role = members().addMember({ member: 'audrey', role: 'developer', project: 'acme' })
    expect(await refusal(role)).toMatchObject({ reason: 'auditor-only' })
    for (const permission of ['shell', 'environment.stop']) {
      const grant = members().grantPermission({ member: 'audrey', project: 'acme', permission })
      expect(await refusal(grant)).toMatchObject({ reason: 'auditor-only' })
    }
  })
})

describe('removing', () => {
  test('from a project: the role and the grants there, and nothing else', async () => {
    const name = await arrangeMember(tenant)
    const token = await arrangeSecret(tenant, name)
    await members().addMember({ member: name, project: 'other', role: 'auditor' })
    await members().grantPermission({ member: name, project: 'acme', permission: 'audit.read' })
    expect((await cli('member', 'remove', 'acme', name, '--yes')).code).toBe(0)
    const { projects } = await server.client(ProjectService, token).listProjects({})
    expect(projects.map((project) => project.name)).toEqual(['other'])
    const again = members().removeMember({ member: name, project: 'acme' })
    expect(await refusal(again)).toMatchObject({ code: Code.NotFound, reason: 'project-role-not-found' })
  })

  test('from the organization: everything; coming back is beginning anew', async () => {
    const name = await arrangeMember(tenant)
    const token = await arrangeSecret(tenant, name)
    await members().grantPermission({ member: name, project: 'acme', permission: 'audit.read' })
    expect((await cli('member', 'remove', name, '--yes')).code).toBe(0)
    expect((await members().listMembers({})).members.map((member) => member.name)).not.toContain(name)
    expect(await refusal(members().removeMember({ member: name }))).toMatchObject({ code: Code.NotFound })
    const back = await members().addMember({ member: name, role: 'member' })
    expect(back.code).toMatch(/^fc_/)
    expect(back.member?.projectRoles).toEqual([])
    expect(await refusal(server.client(IdentityService, token).whoAmI({}))).toMatchObject({
      code: Code.Unauthenticated,
    })
    expect(
      (await members().listGrants({ project: 'acme' })).grants.map((grant) => grant.member),
    ).not.toContain(name)
  })
})

describe('grants', () => {
  const wanted = { member: 'gus', project: 'acme', permission: 'environment.stop' }
  let token: string

  beforeAll(async () => {
    token = await server.createMember(tenant.organizationId, 'gus', 'member')
  })

  test.each<[string, object, string, Code]>([
    ['an unknown permission', { permission: 'shel' }, 'Did you mean shell?', Code.InvalidArgument],
    ['one of the organization', { permission: 'host.join' }, 'comes with a role', Code.InvalidArgument],
    ['the right to grant', { permission: 'grant.manage' }, 'comes with a role', Code.InvalidArgument],
    ['the management', { permission: 'project.manage' }, 'comes with a role', Code.InvalidArgument],
    ['what only webhooks do', { permission: 'webhook.receive' }, 'cannot grant', Code.FailedPrecondition],
    [
      'a project’s, in a stage',
      { permission: 'audit.read', environment: 'staging' },
      'whole project',
      Code.InvalidArgument,
    ],
    ['an absent environment', { environment: 'nowhere' }, 'nowhere', Code.NotFound],
    ['an absent member', { member: 'nobody' }, 'nobody', Code.NotFound],
    ['an absent project', { project: 'nothing' }, 'nothing', Code.NotFound],
    ['for longer than 90 days', { lifetimeSeconds: 91n * 86_400n }, '90 days', Code.InvalidArgument],
    ['for a negative time', { lifetimeSeconds: -1n }, '90 days', Code.InvalidArgument],
  ])('%s is refused', async (_, wrong, why, code) => {
    const error = await refusal(members().grantPermission({ ...wanted, ...wrong }))
    expect(error.code).toBe(code)
    expect(error.message).toContain(why)
  })

  test('of a stage holds in that stage, and lets its member see the project', async () => {
    const environments = server.client(EnvironmentService, token)
    const stop = (environment: string) =>
      environments.stopEnvironment({ environment: { project: 'acme', environment } })
    expect((await refusal(stop('feature/hello'))).code).toBe(Code.NotFound)
    const { grant } = await members().grantPermission({ ...wanted, environment: 'development' })
    expect(grant).toMatchObject({ stage: 'development', environment: '' })
    expect((await refusal(stop('main'))).code).toBe(Code.PermissionDenied)
    expect((await stop('feature/hello')).runId).not.toBe('')

    const own = await members(token).listGrants({})
    expect(own.grants.map(({ id }) => id)).toEqual([grant?.id])
    expect((await members(token).listGrants({ project: 'acme' })).grants).toHaveLength(1)
    await members().revokeGrant({ grantId: grant?.id ?? '' })
    expect((await refusal(stop('feature/hello'))).code).toBe(Code.NotFound)
  })

  test('what a member may not see of others, they see of themselves', async () => {
    const name = await arrangeMember(tenant)
    const own = members(await arrangeSecret(tenant, name))
    const question = { project: 'acme', environment: 'production', permission: 'build.start' }
    expect(await own.explainAccess({ ...question, member: name })).toMatchObject({ allowed: true })
    expect(await own.explainAccess({ ...question, member: '' })).toMatchObject({ allowed: true })
    for (const other of ['gus', 'nobody']) {
      const asked = own.explainAccess({ ...question, member: other })
      expect(await refusal(asked)).toMatchObject({ code: Code.PermissionDenied })
    }
    expect((await refusal(own.listMembers({}))).code).toBe(Code.PermissionDenied)
  })
})

test('an explanation asks for what it needs', async () => {
  const ask = (words: string[]) => cli('access', 'explain', ...words)
  expect((await ask(['ana', 'acme', 'production', 'policy.se'])).stderr).toContain('Did you mean policy.set?')
  expect((await ask(['ana', 'shell'])).stderr).toContain('name one')
  expect((await ask(['ana', 'acme', 'feature/hello', 'shell'])).stdout).not.toContain('Policy')
  expect((await ask(['ana', 'host.join'])).stdout).toContain('Yes: ana may host.join.')
  expect((await ask(['ana', 'acme', 'production', 'shell', 'more'])).code).toBe(2)
  expect((await ask(['nobody', 'acme', 'shell'])).code).toBe(3)
})

test('the lists show roles, and when somebody was seen', async () => {
  const name = await arrangeMember(tenant)
  const token = await arrangeSecret(tenant, name)
  await server.client(IdentityService, token).whoAmI({})
  const rows = await json<{ name: string; lastSeenAt: string | null }[]>('member', 'list', 'acme')
  expect(rows.find((row) => row.name === name)).toMatchObject({
    role: 'member',
    projectRoles: [{ project: 'acme', role: 'developer' }],
    lastSeenAt: expect.stringMatching(/^20/),
  })
  const other = await json<{ name: string }[]>('member', 'list', 'other')
  expect(other.map((row) => row.name)).toContain('ana')
  expect(other.map((row) => row.name)).not.toContain(name)
  expect((await cli('member', 'list')).stdout).toContain('acme: developer')
  expect((await cli('member', 'invite', name)).stderr).toContain(`fairway member recover ${name}`)
  const invited = await cli('member', 'invite', await arrangeMember(tenant))
  expect(invited.stdout).toMatch(/^fairway login --server \S+ --code fc_[\w-]+\n$/)
})
