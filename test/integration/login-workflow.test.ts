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
import { arrangeBuild, arrangeTenant, type Tenant } from '../support/tenant.ts'
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer.ts'

let issuer: TokenIssuer
let server: TestServer
let tenant: Tenant
let home: string

beforeAll(async () => {
  issuer = await startTokenIssuer()
  server = await startTestServer({ workflowIssuer: issuer.url, workflowHost: 'git.example' })
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

const commit = 'c0ffee'.repeat(6).concat('beef')

/** As GitHub has them, of a push to `main` of the project's repository. */
const claims = () => ({
  aud: server.context.config.publicUrl,
  repository: 'acme/odoo',
  repository_id: '1296269',
  repository_owner_id: '9919',
  event_name: 'push',
  ref: 'refs/heads/main',
  sha: commit,
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
  const { build } = await builds.startBuild({ project: 'acme', branch: 'main' })
  expect(build?.commit).toBe(commit)
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
    ['a token without ids', { repository_id: undefined }, 'repository_id'],
    ['a token of an owner without an id', { repository_owner_id: 'acme' }, 'repository_owner_id'],
    ['a token without a commit', { sha: undefined }, 'sha'],
    ['a token without an event', { event_name: undefined }, 'event_name'],
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
    const token = await issuer.sign({ ...claims(), repository: 'mallory/odoo', repository_id: '666' })
    const known = await refusal(exchange(token, 'acme'))
    const absent = await refusal(exchange(token, 'absent'))
    expect(known.code).toBe(Code.NotFound)
    expect(known.rawMessage.replace('acme', 'absent')).toBe(absent.rawMessage)
    const own = await refusal(exchange(await issuer.sign(claims()), 'other'))
    expect(own.code).toBe(Code.NotFound)
  })

  test('a namesake at GitHub of a repository of another git host, unless an owner gave its ids', async () => {
    await tenant.scope((tx) =>
      tx
        .updateTable('projects')
        .set({ repository_url: 'https://git.intern/other/odoo.git' })
        .where('name', '=', 'other')
        .execute(),
    )
    const namesake = { ...claims(), repository: 'other/odoo', repository_id: '77', repository_owner_id: '7' }
    const error = await refusal(exchange(await issuer.sign(namesake), 'other'))
    expect(error.code).toBe(Code.NotFound)
    expect(error.rawMessage).toContain('fairway project pin')
    const ids = { github_repository_id: 77, github_owner_id: 7 }
    await tenant.scope((tx) => tx.updateTable('projects').set(ids).where('name', '=', 'other').execute())
    expect((await exchange(await issuer.sign(namesake), 'other')).session?.role).toBe('workflow')
  })

  test.each(['pull_request_target', 'pull_request', 'issue_comment', 'workflow_run', 'repository_dispatch'])(
    'the event %s, though it runs for a branch',
    async (event_name) => {
      const error = await refusal(exchange(await issuer.sign({ ...claims(), event_name })))
      expect(error.code).toBe(Code.PermissionDenied)
      expect(error.metadata.get('fairway-reason')).toBe('workflow-event-refused')
    },
  )

  test.each<[string, object]>([
    ['made anew under the same name', { repository_id: '4242' }],
    ['given to another owner', { repository_owner_id: '4242' }],
  ])('a repository that was %s', async (_, changed) => {
    await exchange(await issuer.sign(claims()))
    const error = await refusal(exchange(await issuer.sign({ ...claims(), ...changed })))
    expect(error.code).toBe(Code.PermissionDenied)
    expect(error.metadata.get('fairway-reason')).toBe('repository-changed')
    expect(error.rawMessage).toContain('fairway project pin acme')
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
    expect((await runCli(['build', 'start', 'acme', 'main'], job)).code).toBe(0)
    const other = await runCli(['build', 'start', 'acme', 'feature/job'], job)
    expect(other).toMatchObject({ code: 4, stderr: expect.stringContaining('it builds that branch only') })
    expect((await runCli(['logout'], job)).stdout).toBe(`Logged out of ${server.url}.\n`)
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

describe('a token is worth its own branch and commit:', () => {
  const tokenOf = async (changed: object = {}) =>
    (await exchange(await issuer.sign({ ...claims(), ...changed }))).session?.token
  const reasonOf = async (answer: Promise<unknown>) => (await refusal(answer)).metadata.get('fairway-reason')

  test('it builds nothing else', async () => {
    const builds = server.client(BuildService, await tokenOf())
    const start = (branch: string, wanted = '') =>
      builds.startBuild({ project: 'acme', branch, commit: wanted })
    expect(await reasonOf(start('release/1.0'))).toBe('workflow-ref')
    expect(await reasonOf(start('main', 'a'.repeat(40)))).toBe('workflow-commit')
    expect((await start('main', commit.slice(0, 8))).build?.commit).toBe(commit)
    const ofTag = server.client(BuildService, await tokenOf({ ref: 'refs/heads/refs/heads/main' }))
    expect(await reasonOf(ofTag.startBuild({ project: 'acme', branch: 'main' }))).toBe('workflow-ref')
  })

  test('it sees no run of another branch, nor builds it again', async () => {
    const other = await arrangeBuild(server.context, tenant, 'release/1.0')
    const own = await arrangeBuild(server.context, tenant, 'main')
    const token = await tokenOf()
    const builds = server.client(BuildService, token)
    const { builds: seen } = await builds.listBuilds({ project: 'acme' })
    expect(seen.map(({ branch }) => branch)).toContain('main')
    expect(new Set(seen.map(({ branch }) => branch))).toEqual(new Set(['main']))
    const ref = { build: { project: 'acme', number: other.number } }
    expect((await refusal(builds.getBuild(ref))).code).toBe(Code.NotFound)
    expect((await refusal(builds.rebuildBuild(ref))).code).toBe(Code.NotFound)
    expect((await refusal(server.client(RunService, token).getRun(ref))).code).toBe(Code.NotFound)
    const mine = await builds.getBuild({ build: { project: 'acme', number: own.number } })
    expect(mine.build?.branch).toBe('main')
  })
})

test('the same repository under another name goes on, and is cloned from there', async () => {
  const renamed = { ...claims(), repository: 'acme/shop' }
  const { session } = await exchange(await issuer.sign(renamed))
  const { project } = await server.client(ProjectService, session?.token).getProject({ project: 'acme' })
  expect(project).toMatchObject({
    repositorySlug: 'acme/shop',
    repositoryUrl: 'https://git.example/acme/shop.git',
    githubRepositoryId: 1296269n,
    githubOwnerId: 9919n,
  })
  // Whoever takes the former name is a stranger.
  const squatter = { ...claims(), repository: 'acme/odoo', repository_id: '4242' }
  expect((await refusal(exchange(await issuer.sign(squatter)))).code).toBe(Code.NotFound)
  const events = await tenant.scope((tx) =>
    tx
      .selectFrom('audit_events')
      .select(['action', 'actor'])
      .where('subject_id', '=', tenant.projectId)
      .where('action', 'in', ['project.pin', 'project.rename-repository'])
      .orderBy('id')
      .execute(),
  )
  expect(events).toEqual([
    { action: 'project.pin', actor: 'workflow:acme/odoo@refs/heads/main' },
    { action: 'project.rename-repository', actor: 'workflow:acme/shop@refs/heads/main' },
  ])
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
