import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BuildService } from '../../proto/gen/fairway/v1/builds_pb.js'
import { IdentityService } from '../../proto/gen/fairway/v1/identity_pb.js'
import { ProjectService } from '../../proto/gen/fairway/v1/projects_pb.js'
import { RunService } from '../../proto/gen/fairway/v1/runs_pb.js'
import { runCli } from '../support/cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer.ts'

let issuer: TokenIssuer
let server: TestServer
let tenant: Tenant
let home: string

beforeAll(async () => {
  issuer = await startTokenIssuer()
  server = await startTestServer({ workflowIssuer: issuer.url })
  home = await mkdtemp(join(tmpdir(), 'fairway-workflow-'))
  const { organizationId } = await server.createTenant('people')
  tenant = await arrangeTenant(server.context, organizationId, 'acme')
  await arrangeTenant(server.context, organizationId, 'other')
})

afterAll(async () => {
  await server?.close()
  await issuer?.close()
  await rm(home, { recursive: true, force: true })
})

/** As GitHub has them, of a push to `main` of the project's repository. */
const claims = () => ({
  aud: server.context.config.publicUrl,
  repository: 'acme/odoo',
  ref: 'refs/heads/main',
  sub: 'repo:acme/odoo:ref:refs/heads/main',
})
const exchange = (token: string, project = 'acme') =>
  server.client(IdentityService).exchangeWorkflowToken({ token, project })
const refusal = async (answer: Promise<unknown>) =>
  await answer.then(
    () => expect.fail('it was accepted'),
    (error: unknown) => ConnectError.from(error),
  )

test('a workflow of the repository gets a quarter of an hour for its project', async () => {
  const { session } = await exchange(await issuer.sign(claims()))
  expect(session).toMatchObject({
    organization: 'people',
    member: 'workflow:acme/odoo@refs/heads/main',
    role: 'workflow',
  })
  const token = session?.token ?? ''
  const me = await server.client(IdentityService, token).whoAmI({})
  expect(me).toMatchObject({ role: 'workflow', scopes: ['build.start', 'read'] })
  const minutes = (Number(me.expiresAt?.seconds) - Date.now() / 1_000) / 60
  expect(minutes).toBeGreaterThan(14.5)
  expect(minutes).toBeLessThanOrEqual(15)

  const builds = server.client(BuildService, token)
  const { build } = await builds.startBuild({ project: 'acme', branch: 'feature/from-workflow' })
  const number = build?.number ?? 0
  const { run } = await server.client(RunService, token).getRun({ build: { project: 'acme', number } })
  expect(run?.requestedBy).toBe('workflow:acme/odoo@refs/heads/main')
  const { projects } = await server.client(ProjectService, token).listProjects({})
  expect(projects.map(({ name }) => name)).toEqual(['acme'])
  const elsewhere = await refusal(builds.startBuild({ project: 'other', branch: 'main' }))
  expect(elsewhere.code).toBe(Code.NotFound)
  const cancelled = await refusal(builds.cancelBuild({ build: { project: 'acme', number } }))
  expect(cancelled.code).toBe(Code.PermissionDenied)
})

test('the repository’s name may be written differently', async () => {
  const { session } = await exchange(await issuer.sign({ ...claims(), repository: 'Acme/Odoo' }))
  expect(session?.role).toBe('workflow')
})

test('the issuer’s keys are not asked for each time', async () => {
  const before = issuer.keyRequests()
  expect(before).toBeGreaterThan(0)
  await exchange(await issuer.sign(claims()))
  expect(issuer.keyRequests()).toBe(before)
})

describe('refused:', () => {
  const past = Math.floor(Date.now() / 1_000) - 3_600
  test.each<[string, Record<string, unknown>, string]>([
    ['another issuer', { iss: 'https://token.evil.example' }, 'iss'],
    ['a token for somebody else', { aud: 'https://github.com/acme' }, 'aud'],
    ['no audience', { aud: undefined }, 'aud'],
    ['an expired token', { iat: past, exp: past + 300 }, 'expired'],
    ['a token that is not valid yet', { nbf: Math.floor(Date.now() / 1_000) + 3_600 }, 'nbf'],
    ['a person’s token', { repository: undefined }, 'no workflow’s'],
    ['a token without a ref', { ref: '' }, 'no workflow’s'],
  ])('%s', async (_, wrong, why) => {
    const error = await refusal(exchange(await issuer.sign({ ...claims(), ...wrong })))
    expect(error.code).toBe(Code.Unauthenticated)
    expect(error.rawMessage).toContain(why)
  })

  test('a token without a signature, or with one that is not its own', async () => {
    const [head = '', body = '', signature = ''] = (await issuer.sign(claims())).split('.')
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')
    const other = Buffer.from(JSON.stringify({ ...claims(), ref: 'refs/heads/x' })).toString('base64url')
    for (const token of [
      `${none}.${body}.`,
      `${none}.${body}.${signature}`,
      `${head}.${other}.${signature}`,
    ]) {
      expect((await refusal(exchange(token))).code).toBe(Code.Unauthenticated)
    }
  })

  test('another repository, in the words for a project that does not exist', async () => {
    const token = await issuer.sign({ ...claims(), repository: 'mallory/odoo' })
    const known = await refusal(exchange(token, 'acme'))
    const absent = await refusal(exchange(token, 'absent'))
    expect(known.code).toBe(Code.NotFound)
    expect(known.rawMessage.replace('acme', 'absent')).toBe(absent.rawMessage)
    const own = await refusal(exchange(await issuer.sign(claims()), 'other'))
    expect(own.code).toBe(Code.NotFound)
  })

  test.each(['refs/tags/v1', 'refs/pull/7/merge', 'heads/main'])('the ref %s', async (ref) => {
    const error = await refusal(exchange(await issuer.sign({ ...claims(), ref })))
    expect(error.code).toBe(Code.PermissionDenied)
    expect(error.metadata.get('fairway-reason')).toBe('workflow-ref-refused')
  })
})

describe('in a GitHub Actions job', () => {
  let actions: Server
  let job: Record<string, string>

  beforeAll(async () => {
    actions = createServer(async (request, response) => {
      const { searchParams } = new URL(request.url ?? '', 'http://localhost')
      if (request.headers.authorization !== 'Bearer of-the-job') return void response.writeHead(401).end()
      const value = await issuer.sign({ ...claims(), aud: searchParams.get('audience') })
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ value }))
    })
    await new Promise<void>((resolve) => actions.listen(0, '127.0.0.1', resolve))
    job = {
      FAIRWAY_SERVER: server.url,
      XDG_CONFIG_HOME: home,
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${(actions.address() as AddressInfo).port}/token?api-version=2`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'of-the-job',
    }
  })

  afterAll(() => void actions?.close())

  test('fairway login --workflow logs in for the project, and builds can be started', async () => {
    const login = await runCli(['login', '--workflow', 'acme'], job)
    expect(login).toMatchObject({ code: 0, stderr: '' })
    expect(login.stdout).toContain('as workflow:acme/odoo@refs/heads/main (workflow) of people')
    expect((await runCli(['build', 'start', 'acme', 'feature/job'], job)).code).toBe(0)
    expect((await runCli(['logout'], job)).stdout).toBe('Logged out.\n')
  })

  test('elsewhere it says what is missing', async () => {
    const { ACTIONS_ID_TOKEN_REQUEST_URL: _, ...elsewhere } = job
    const { code, stderr } = await runCli(['login', '--workflow', 'acme'], elsewhere)
    expect(code).toBe(2)
    expect(stderr).toContain('id-token: write')
    const wrong = { ...job, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'wrong' }
    expect((await runCli(['login', '--workflow', 'acme'], wrong)).stderr).toContain('answered 401')
  })
})

test('a policy says which refs get in', async () => {
  const { organizationId: organization_id, projectId: project_id } = tenant
  await tenant.scope((tx) =>
    tx
      .insertInto('policies')
      .values({
        organization_id,
        project_id,
        version: 1,
        source: '',
        document: JSON.stringify({ workflows: { refs: ['refs/tags/*', 'refs/heads/main'] } }),
        sha256: '0'.repeat(64),
        set_by: 'test',
      })
      .execute(),
  )
  await exchange(await issuer.sign({ ...claims(), ref: 'refs/tags/v1' }))
  const error = await refusal(exchange(await issuer.sign({ ...claims(), ref: 'refs/heads/feature/x' })))
  expect(error.rawMessage).toContain('allows refs/tags/*, refs/heads/main')
})
