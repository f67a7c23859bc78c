import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AppContext } from '../../server/context.ts'
import {
  destroyEnvironment,
  startEnvironment,
  stopEnvironment,
} from '../../server/services/environments/environments.ts'
import { arrangePolicy } from '../support/approvals.ts'
import { operationsWith } from '../support/operations-with.ts'
import { answers, playRun } from '../support/play-run.ts'
import { arrangeRuns, type PlayedRuns } from '../support/played-runs.ts'
import { createOrganization, startTestDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
let context: AppContext
let organizationId: string
let runs: PlayedRuns
let projects = 0

beforeAll(async () => {
  database = await startTestDatabase()
  context = database.context
  organizationId = await createOrganization(database, 'acme')
}, 60_000)
afterAll(() => database?.close())

beforeEach(async () => {
  runs = await arrangeRuns(context, organizationId, `shop-${++projects}`)
})

describe('production’s environment', () => {
  const ref = () =>
    ({ project: runs.tenant.project, environment: 'production' }) as Parameters<typeof stopEnvironment>[2]

  it('stops and starts without approval, and its tasks say by what leave', async () => {
    await runs.deployed()
    for (const [change, action] of [
      [stopEnvironment, 'production-stop'],
      [startEnvironment, 'production-start'],
    ] as const) {
      const { runId } = await change(context, runs.tenant.caller, ref())
      await runs.play(runId)
      expect(await runs.runOf(runId)).toMatchObject({ status: 'succeeded' })
      const authorization = await runs.tenant.scope((tx) =>
        tx.selectFrom('authorizations').selectAll().where('run_id', '=', runId).executeTakeFirstOrThrow(),
      )
      expect(authorization).toMatchObject({ action, basis: 'policy', approval_id: null })
      // An image is nobody's data, and a look changes none.
      const harmless = ['fetchImage', 'inspectCell']
      const tasks = (await runs.tasksOf(runId)).filter(({ kind }) => !harmless.includes(kind))
      for (const task of tasks) expect(task.authorization_id).toBe(authorization.id)
    }
  })

  it('is destroyed only once that is approved', async () => {
    await runs.deployed()
    const { runId } = await destroyEnvironment(context, runs.tenant.caller, ref(), 'production')
    await runs.play(runId)
    expect(await runs.tasksOf(runId)).toEqual([])
    expect((await runs.stepsOf(runId)).map(({ name }) => name)).toEqual(['approve', 'destroy', 'record'])
    const [approval] = await runs.approvalsOf(runId)
    expect(approval).toMatchObject({ action: 'production-destroy', status: 'open' })
    const cells = await runs.tenant.scope((tx) =>
      tx.selectFrom('cells').select('id').where('project_id', '=', runs.tenant.projectId).execute(),
    )
    expect(JSON.parse(approval?.subject ?? '')).toMatchObject({ cells: cells.map(({ id }) => id) })
    await runs.approveAsRita({
      approvalId: approval?.id ?? '',
      subjectSha256: approval?.subject_sha256 ?? '',
    })
    await runs.play(runId)
    expect(await runs.runOf(runId)).toMatchObject({ status: 'succeeded' })
    expect((await runs.tasksOf(runId)).map(({ kind }) => kind)).toContain('destroyCell')
    for (const task of await runs.tasksOf(runId)) expect(task.authorization_id).not.toBeNull()
  })
})

it('nothing of production is asked of an agent without leave, whatever a pipeline does', async () => {
  const { runId } = await runs.build()
  const careless = operationsWith(async (run) => {
    await run.step('database', () => run.removeRuntime('00000000-0000-4000-8000-000000000000'))
  })
  await runs.step(runId, careless)
  expect(await runs.runOf(runId)).toMatchObject({
    status: 'failed',
    reason: expect.stringMatching(/touches production, and nothing authorizes it/),
  })
  expect(await runs.tasksOf(runId)).toEqual([])
})

describe('the policy', () => {
  it('keeps a base image out that it does not allow, by name', async () => {
    await arrangePolicy(context, runs.tenant, 'registries: [registry.elsewhere]\n')
    const { runId } = await runs.build('feature/x')
    await runs.play(runId)
    expect(await runs.runOf(runId)).toMatchObject({
      status: 'failed',
      result: 'red',
      reason: expect.stringMatching(
        /comes from 127.0.0.1:5000; the policy \(registries\) allows registry.elsewhere/,
      ),
    })
    expect((await runs.tasksOf(runId)).map(({ kind }) => kind)).toEqual(['resolve'])
  })

  it('lets images stand on nothing but what Fairway brings, until it names more', async () => {
    const foreign = `registry.example/odoo@sha256:${'a'.repeat(64)}`
    const play = async () => {
      const { runId } = await runs.build('feature/x')
      await playRun(context, runs.tenant, runId, {
        answers: { resolve: { ...answers.resolve, baseImage: foreign } },
      })
      return runs.runOf(runId)
    }
    expect(await play()).toMatchObject({
      result: 'red',
      reason: expect.stringMatching(
        /allows: 127\.0\.0\.1:5000\/fairway\/odoo\. Who may set policies allows it with baseImages: \["registry\.example\/odoo"\]/,
      ),
    })
    await arrangePolicy(context, runs.tenant, 'baseImages: [registry.example/odoo]\n')
    expect(await play()).toMatchObject({ result: 'green' })
  })

  it.each([
    ['{}', { repositories: ['*'] }],
    ['{ index: false }', {}],
    ['{ index: ["https://github.com/OCA/*"] }', { repositories: ['https://github.com/OCA/*'] }],
  ])('says whom a build may ask for a module that is missing: %s', async (sources, moduleIndex) => {
    await arrangePolicy(context, runs.tenant, `sources: ${sources}\n`)
    const { runId } = await runs.build('feature/x')
    await runs.step(runId)
    const [task] = await runs.tasksOf(runId)
    expect(task?.spec).toHaveProperty('resolve.moduleIndex', moduleIndex)
  })

  it('keeps a stage off hosts that it does not name, and says so', async () => {
    await arrangePolicy(context, runs.tenant, 'hosts: {production: [prod-*]}\n')
    const made = await runs.build()
    await runs.step(made.runId)
    expect(await runs.runOf(made.runId)).toMatchObject({
      status: 'queued',
      reason: expect.stringMatching(/the policy \(hosts.production\) allows prod-\*/),
    })
    const other = await runs.build('feature/x')
    await runs.step(other.runId)
    expect(await runs.runOf(other.runId)).toMatchObject({ status: 'running' })
    await runs.tenant.scope((tx) =>
      tx
        .insertInto('hosts')
        .values({ organization_id: organizationId, name: `prod-${projects}`, status: 'online' })
        .execute(),
    )
    await runs.step(made.runId)
    const { host_id } = await runs.runOf(made.runId)
    expect(host_id).not.toBeNull()
    expect(host_id).not.toBe((await runs.runOf(other.runId)).host_id)
  })
})
