import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { LockService } from '../../proto/gen/fairway/v1/locks_pb.js'
import { operations } from '../../server/operations/registry.ts'
import { advance } from '../../server/runs/advance.ts'
import { rebuildBuild } from '../../server/services/builds/builds.ts'
import { updateLock } from '../../server/services/locks/lock-update.ts'
import { arrangeCredential } from '../support/credentials.ts'
import { addArtifact, answers, playRun } from '../support/play-run.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeBuild, arrangeTenant, type Tenant } from '../support/tenant.ts'

let server: TestServer
let tenant: Tenant
let token: string
let organizations = 0

beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.close())
beforeEach(async () => {
  const made = await server.createTenant(`org-${++organizations}`)
  token = made.token
  tenant = await arrangeTenant(server.context, made.organizationId, `shop-${organizations}`)
})

const locks = () => server.client(LockService, token)
const start = (branch: string) =>
  updateLock(server.context, tenant.caller, { project: tenant.project, branch })
const build = (branch: string) => arrangeBuild(server.context, tenant, branch)
const play = (runId: string, how = {}) => playRun(server.context, tenant, runId, how)
const step = (runId: string) =>
  advance(server.context, server.context.config, operations, { runId, organizationId: tenant.organizationId })
const runOf = (id: string) =>
  tenant.scope((tx) => tx.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirstOrThrow())
const environmentOf = async (runId: string) => {
  const { environment_id: id } = await runOf(runId)
  return await tenant.scope((tx) =>
    tx
      .selectFrom('environments')
      .selectAll()
      .where('id', '=', id ?? '')
      .executeTakeFirstOrThrow(),
  )
}
const tasksOf = (runId: string) =>
  tenant.scope((tx) =>
    tx
      .selectFrom('tasks')
      .select(['key', 'kind', 'spec'])
      .where('run_id', '=', runId)
      .orderBy('created_at')
      .execute(),
  )
const specOf = async (runId: string, kind: string) =>
  (await tasksOf(runId)).find((task) => task.kind === kind)?.spec as Record<string, Record<string, unknown>>
const refused = (promise: Promise<unknown>): Promise<ConnectError> =>
  promise.then(
    () => expect.fail('the call succeeded'),
    (error: unknown) => ConnectError.from(error),
  )

describe('a lock run', () => {
  test('resolves the branch anew and builds nothing; its lock can be read', async () => {
    const runId = await start('feature/x')
    await play(runId)
    expect(await runOf(runId)).toMatchObject({
      kind: 'lock',
      status: 'succeeded',
      result: 'green',
      number: null,
      commit: answers.resolve.commit,
    })
    expect((await tasksOf(runId)).map(({ kind }) => kind)).toEqual(['resolve'])
    expect(await specOf(runId, 'resolve')).toMatchObject({ resolve: { refresh: true, branch: 'feature/x' } })
    const { lock } = await locks().getLock({ runId })
    expect(lock).toMatchObject({ document: '{"lock": 1}', commit: answers.resolve.commit, build: 0 })
    expect(lock?.sha256).toMatch(/^[0-9a-f]{64}$/)
  })

  test('leaves its environment as it is, however it ends', async () => {
    const built = await build('feature/x')
    await play(built.runId)
    const before = await environmentOf(built.runId)
    const failed = await start('feature/x')
    expect((await runOf(failed)).environment_id).toBe(built.environmentId)
    await play(failed, {
      failures: { resolve: { status: 'failed', reason: 'branch-missing', error: 'gone' } },
    })
    expect(await runOf(failed)).toMatchObject({ status: 'failed', result: 'red', reason: 'gone' })
    const broken = await start('feature/x')
    await play(broken, {
      answers: { resolve: { ...answers.resolve, config: { branches: [{ stage: 99 }] } } },
    })
    expect((await runOf(broken)).status).toBe('failed')
    expect(await environmentOf(built.runId)).toEqual(before)
  })

  test('of a branch that was mistyped leaves no environment behind', async () => {
    const runId = await start('feature/helo')
    await play(runId, {
      failures: { resolve: { status: 'failed', reason: 'branch-missing', error: 'there is no such branch' } },
    })
    expect((await environmentOf(runId)).status).toBe('destroyed')
  })

  test('of a branch that production would move to leaves production where it is', async () => {
    const main = await build('main')
    await play(main.runId)
    const before = await environmentOf(main.runId)
    const runId = await start('main')
    await play(runId)
    expect((await runOf(runId)).environment_id).toBe(main.environmentId)
    expect(await environmentOf(main.runId)).toEqual(before)
  })

  test('neither waits for a build of its environment nor makes one wait', async () => {
    const first = await build('feature/x')
    await step(first.runId)
    const lock = await start('feature/x')
    await step(lock)
    expect((await runOf(lock)).status).toBe('running')
    await play(first.runId)
    const second = await build('feature/x')
    await step(second.runId)
    expect((await runOf(second.runId)).status).toBe('running')
    await play(lock)
    await play(second.runId)
    expect((await runOf(second.runId)).status).toBe('succeeded')
  })

  test('needs a rule for its branch, and is not for auditors', async () => {
    const { project } = tenant
    expect((await refused(locks().updateLock({ project, branch: 'nowhere' }))).code).toBe(
      Code.FailedPrecondition,
    )
    expect((await refused(locks().updateLock({ project, branch: '-x' }))).code).toBe(Code.InvalidArgument)
    const auditor = await server.createMember(tenant.organizationId, 'audrey', 'auditor')
    const asked = server.client(LockService, auditor).updateLock({ project, branch: 'feature/x' })
    expect((await refused(asked)).code).toBe(Code.PermissionDenied)
  })
})

describe('the lock', () => {
  test('of a branch is that of its newest build that has one', async () => {
    const { project } = tenant
    const branch = { project, branch: 'feature/x' }
    const none = await refused(locks().getLock({ branch }))
    expect(none.metadata.get('fairway-reason')).toBe('lock-not-found')
    expect(none.rawMessage).toContain(`fairway lock ${project} feature/x --update`)
    const first = await build('feature/x')
    await play(first.runId)
    const second = await build('feature/x')
    expect((await locks().getLock({ branch })).lock?.build).toBe(first.number)
    await play(second.runId)
    await play(await start('feature/x'))
    expect((await locks().getLock({ branch })).lock?.build).toBe(second.number)
    const of = { build: { project, number: first.number } }
    expect((await locks().getLock(of)).lock?.build).toBe(first.number)
    expect((await refused(locks().getLock({}))).metadata.get('fairway-reason')).toBe('invalid-lock')
    const unresolved = await build('feature/y')
    const missing = await refused(locks().getLock({ runId: unresolved.runId }))
    expect(missing.metadata.get('fairway-reason')).toBe('lock-not-found')
  })

  test('of a build is kept by its rebuilds, also by one of a rebuild that failed before it had its own', async () => {
    const first = await build('feature/x')
    await play(first.runId)
    expect((await specOf(first.runId, 'resolve')).resolve).not.toHaveProperty('lock')
    const again = async (number: number) => {
      const ref = { project: tenant.project, number } as Parameters<typeof rebuildBuild>[2]
      const runId = await rebuildBuild(server.context, tenant.caller, ref)
      return { runId, number: (await runOf(runId)).number ?? 0 }
    }
    const second = await again(first.number)
    await tenant.scope((tx) =>
      tx
        .updateTable('runs')
        .set({ cancel_cause: 'user', cancelled_by: 'member:ana' })
        .where('id', '=', second.runId)
        .execute(),
    )
    await step(second.runId)
    const third = await again(second.number)
    await play(third.runId)
    expect(await specOf(third.runId, 'resolve')).toMatchObject({
      resolve: { lock: '{"lock": 1}', commit: answers.resolve.commit },
    })
    expect((await specOf(third.runId, 'resolve')).resolve).not.toHaveProperty('refresh')
  })

  test('that is larger than any can be stops the rebuild', async () => {
    const first = await build('feature/x')
    await play(first.runId)
    await addArtifact(server.context, tenant, first.runId, 'lock.json', 'x'.repeat(1024 * 1024 + 1))
    const ref = { project: tenant.project, number: first.number } as Parameters<typeof rebuildBuild>[2]
    const runId = await rebuildBuild(server.context, tenant.caller, ref)
    await play(runId)
    expect(await runOf(runId)).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('1048577 bytes'),
    })
  })
})

test('what a base image holds is as the newest resolve with that image found it, whatever other branches use', async () => {
  const { project } = tenant
  const ask = (image: string, knownSha256 = '') => locks().getBaseImage({ project, image, knownSha256 })
  const tell = async (branch: string, document: string) => {
    const { runId } = await build(branch)
    await addArtifact(server.context, tenant, runId, 'base-image.json', document)
  }
  const missing = await refused(ask(''))
  expect(missing.metadata.get('fairway-reason')).toBe('base-image-not-found')
  const usual = JSON.stringify({ image: server.context.config.odooImage })
  await tell('feature/x', '{"image": "odoo:18.0"}')
  await tell('feature/x', usual)
  await tell('feature/y', '{"image": "odoo:19.0"}')
  await tell('feature/y', '{"image": "odoo:19.0", "digest": "newer"}')
  await tell('feature/z', 'of an agent that writes none')
  expect((await ask('')).document).toBe(usual)
  expect((await ask('odoo:18.0')).document).toBe('{"image": "odoo:18.0"}')
  const newest = await ask('odoo:19.0')
  expect(newest.document).toContain('newer')
  expect(await ask('odoo:19.0', newest.sha256)).toMatchObject({ document: '', sha256: newest.sha256 })
  expect((await refused(ask('odoo:17.0'))).message).toContain('told what odoo:17.0 holds')
})

test('a build’s tasks name the credentials that they need, as they are when they are asked for', async () => {
  for (const [kind, host] of [
    ['git', 'git.example'],
    ['registry', 'ghcr.io'],
    ['python', 'pypi.example'],
  ] as const)
    await arrangeCredential(server.context, tenant, { kind, host, username: 'bot' })
  const built = await build('feature/x')
  await step(built.runId)
  await arrangeCredential(server.context, tenant, { kind: 'git', host: 'git.example', deployKey: true })
  await play(built.runId)
  expect((await specOf(built.runId, 'resolve')).resolve).toMatchObject({
    credentials: [
      { name: 'git:git.example/PASSWORD', version: 1 },
      { name: 'git:git.example/USERNAME', version: 1 },
      { name: 'python:pypi.example/PASSWORD', version: 1 },
      { name: 'python:pypi.example/USERNAME', version: 1 },
      { name: 'registry:ghcr.io/PASSWORD', version: 1 },
      { name: 'registry:ghcr.io/USERNAME', version: 1 },
    ],
  })
  expect((await specOf(built.runId, 'buildImage')).buildImage).toMatchObject({
    credentials: [
      { name: 'git:git.example/SSH_KEY', version: 2 },
      { name: 'python:pypi.example/PASSWORD', version: 1 },
      { name: 'python:pypi.example/USERNAME', version: 1 },
      { name: 'registry:ghcr.io/PASSWORD', version: 1 },
      { name: 'registry:ghcr.io/USERNAME', version: 1 },
    ],
  })
})
