import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { IdentityService } from '../../proto/gen/fairway/v1/identity_pb.js'
import { MemberService } from '../../proto/gen/fairway/v1/members_pb.js'
import { runCli } from '../support/cli.ts'
import { query } from '../support/postgres.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant } from '../support/tenant.ts'

let server: TestServer
let owner: string
let home: string
let env: Record<string, string>

beforeAll(async () => {
  server = await startTestServer()
  const { organizationId, token } = await server.createTenant('people')
  await arrangeTenant(server.context, organizationId, 'acme')
  owner = token
  home = await mkdtemp(join(tmpdir(), 'fairway-login-'))
  env = { FAIRWAY_SERVER: server.url, XDG_CONFIG_HOME: home }
})

afterAll(async () => {
  await server?.close()
  await rm(home, { recursive: true, force: true })
})

const invite = async (member: string, role = 'developer', project = '') =>
  (await server.client(MemberService, owner).addMember({ member, role, project })).code

test('an invited member logs in with the code, once, and out again', async () => {
  const code = await invite('bo@example.com', 'developer', 'acme')
  const login = await runCli(['login', '--server', server.url, '--code', '-'], env, `${code}\n`)
  expect(login).toMatchObject({ code: 0, stderr: '' })
  expect(login.stdout).toContain('as bo@example.com (member) of people')

  const whoami = JSON.parse((await runCli(['whoami', '--json'], env)).stdout)
  expect(whoami).toMatchObject({
    member: 'bo@example.com',
    role: 'member',
    projectRoles: [{ project: 'acme', role: 'developer' }],
    scopes: [],
  })
  expect((await runCli(['whoami'], env)).stdout).toContain('developer in acme')
  const again = await runCli(['login', '--server', server.url, '--code', code], {
    ...env,
    XDG_CONFIG_HOME: join(home, 'again'),
  })
  expect(again.code).toBe(4)
  expect(again.stderr).toContain('unknown, used or expired')

  const kept = JSON.parse(await readFile(join(home, 'fairway/credentials.json'), 'utf8')) as {
    servers: Record<string, { token: string }>
  }
  expect((await runCli(['logout'], env)).code).toBe(0)
  const client = server.client(IdentityService, kept.servers[server.url]?.token)
  await expect(client.whoAmI({})).rejects.toMatchObject({ code: Code.Unauthenticated })
  const rows = await query<{ action: string }>(
    server.database.ownerUrl,
    "select action from audit_events where actor = 'member:bo@example.com' order by id",
  )
  expect(rows.map(({ action }) => action)).toEqual(['session.start', 'session.end'])
})

test('logging out forgets a token that was given, and leaves it valid', async () => {
  const login = await runCli(['login', '--server', server.url, '--token', '-'], env, owner)
  expect(login.code).toBe(0)
  expect((await runCli(['logout'], env)).code).toBe(0)
  expect((await server.client(IdentityService, owner).whoAmI({})).member).toBe('ana')
})

test('one way to log in at a time; without any, and without a terminal, it says which there are', async () => {
  const both = await runCli(['login', '--code', 'fc_x', '--token', 'ft_x'], env)
  expect(both).toMatchObject({ code: 2 })
  expect(both.stderr).toContain('--token, --code')
  const none = await runCli(['login'], env)
  expect(none).toMatchObject({ code: 2 })
  expect(none.stderr).toContain('--code')
  const oidc = await runCli(['login', '--oidc'], env)
  expect(oidc).toMatchObject({ code: 5 })
  const options = await server.client(IdentityService).getLoginOptions({})
  expect(options).toMatchObject({ oidcIssuer: '', workflowAudience: server.context.config.publicUrl })
})

test('a removed member’s code is void', async () => {
  const code = await invite('cy@example.com')
  await server.client(MemberService, owner).removeMember({ member: 'cy@example.com' })
  await expect(server.client(IdentityService).loginWithCode({ code })).rejects.toMatchObject({
    code: Code.Unauthenticated,
  })
})

// Last: from here on the server answers nobody from this address.
test('whoever tries many codes is refused before they are looked at', async () => {
  const good = await invite('di@example.com')
  const login = async (code: string) =>
    await server
      .client(IdentityService)
      .loginWithCode({ code })
      .then(
        () => undefined,
        (error: unknown) => ConnectError.from(error).code,
      )
  const codes = await Promise.all(Array.from({ length: 60 }, (_, index) => login(`fc_guess-${index}`)))
  expect(codes).toContain(Code.Unauthenticated)
  expect(await login('fc_one-more')).toBe(Code.ResourceExhausted)
  expect(await login(good)).toBe(Code.ResourceExhausted)
  // Who is logged in is not bothered.
  expect((await server.client(IdentityService, owner).whoAmI({})).member).toBe('ana')
})
