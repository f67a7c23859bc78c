import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AppContext } from '../../server/context.ts'
import { protectedTasks } from '../../server/governance/protected-tasks.ts'
import { pipelines } from '../../server/pipelines/pipelines.ts'
import { advance } from '../../server/scheduler/advance.ts'
import type { Pipelines } from '../../server/scheduler/types.ts'
import { approve, reject } from '../../server/services/approvals.ts'
import { getBuildOfRun } from '../../server/services/build-views.ts'
import { cancelBuild } from '../../server/services/builds.ts'
import { destroyEnvironment, startEnvironment, stopEnvironment } from '../../server/services/environments.ts'
import { arrangePolicy } from '../support/approvals.ts'
import { answers } from '../support/play-run.ts'
import { createOrganization, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { type ArrangedBuild, arrangeBuild, arrangeTenant, type Tenant } from '../support/tenant.ts'

// The real engine and pipelines on a real PostgreSQL; the agent's part, ending a task, is played.

let database: TestDatabase
let context: AppContext
let organizationId: string
let tenant: Tenant
let rita: Tenant['caller']
let projects = 0

beforeAll(async () => {
  database = await startTestDatabase()
  context = database.context
  organizationId = await createOrganization(database, 'acme')
}, 60_000)
afterAll(() => database?.close())

beforeEach(async () => {
  tenant = await arrangeTenant(context, organizationId, `shop-${++projects}`)
  const name = `rita-${projects}`
  const member = await tenant.scope((tx) =>
    tx
      .insertInto('members')
      .values({ organization_id: organizationId, name, role: 'release-manager' })
      .returning('id')
      .executeTakeFirstOrThrow(),
  )
  rita = {
    ...tenant.caller,
    actor: `member:${name}`,
    access: { ...tenant.caller.access, role: 'release-manager', memberId: member.id },
  }
})

const step = (runId: string, with_: Pipelines = pipelines) =>
  advance(context, context.config, with_, { runId, organizationId })

const runOf = (id: string) =>
  tenant.scope((tx) => tx.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirstOrThrow())

const tasksOf = (runId: string) =>
  tenant.scope((tx) =>
    tx.selectFrom('tasks').selectAll().where('run_id', '=', runId).orderBy('created_at').execute(),
  )

const stepsOf = (runId: string) =>
  tenant.scope((tx) =>
    tx
      .selectFrom('steps')
      .select(['name', 'status', 'summary'])
      .where('run_id', '=', runId)
      .orderBy('position')
      .execute(),
  )

const approvalsOf = (runId: string) =>
  tenant.scope((tx) =>
    tx.selectFrom('approvals').selectAll().where('run_id', '=', runId).orderBy('created_at').execute(),
  )

type Failure = { readonly status: 'failed'; readonly reason: string; readonly error: string }

/** Plays the agent until the run has ended or waits for somebody. `failing`: what fails, by kind. */
async function play(runId: string, failing: Readonly<Record<string, Failure>> = {}): Promise<void> {
  for (let round = 0; round < 60; round++) {
    await step(runId)
    const open = (await tasksOf(runId)).filter(({ status }) => status === 'queued')
    if (open.length === 0) return
    for (const { id, kind } of open) {
      const output = (answers as Readonly<Record<string, unknown>>)[kind]
      const end = failing[kind] ?? {
        status: 'succeeded' as const,
        output: JSON.stringify({ [kind]: output }),
      }
      const finished_at = new Date()
      await tenant.scope((tx) =>
        tx
          .updateTable('tasks')
          .set({ ...end, finished_at })
          .where('id', '=', id)
          .execute(),
      )
    }
  }
  expect.fail(`run ${runId} goes on and on`)
}

const build = (branch = 'main') => arrangeBuild(context, tenant, branch)

async function waitingBuild(): Promise<ArrangedBuild & { approvalId: string; subjectSha256: string }> {
  const made = await build()
  await play(made.runId)
  const [approval] = await approvalsOf(made.runId)
  if (!approval) return expect.fail('nothing was asked for')
  return { ...made, approvalId: approval.id, subjectSha256: approval.subject_sha256 }
}

const let_ = (asked: { approvalId: string; subjectSha256: string }) =>
  approve(context, rita, { ...asked, note: '' })

async function deployed(): Promise<ArrangedBuild> {
  const made = await waitingBuild()
  await let_(made)
  await play(made.runId)
  expect(await runOf(made.runId)).toMatchObject({ status: 'succeeded' })
  return made
}

const protectedKinds: readonly string[] = protectedTasks

describe('a production build', () => {
  it('waits between image and database, and has touched nothing', async () => {
    const { runId, approvalId } = await waitingBuild()
    expect(await runOf(runId)).toMatchObject({ status: 'running', timeout_at: null })
    expect((await tasksOf(runId)).map(({ kind }) => kind)).toEqual(['resolve', 'buildImage'])
    expect((await stepsOf(runId)).map(({ name, status }) => `${name} ${status}`)).toEqual([
      'resolve succeeded',
      'image succeeded',
      'approve running',
      'database queued',
      'deploy queued',
      'smoke queued',
      'record queued',
    ])
    const short = approvalId.slice(0, 8)
    expect((await stepsOf(runId))[2]?.summary).toBe(
      `waits for approval ${short} (by owner or release-manager): fairway approval show ${short}`,
    )
    expect(await getBuildOfRun(context, tenant.caller, runId)).toMatchObject({ approvalId })
  })

  it('is approved as exactly what would happen', async () => {
    const first = await deployed()
    const { runId } = await waitingBuild()
    const [approval] = await approvalsOf(runId)
    const environment = await tenant.scope((tx) =>
      tx
        .selectFrom('environments')
        .select('cell_id')
        .where('id', '=', first.environmentId)
        .executeTakeFirstOrThrow(),
    )
    expect(JSON.parse(approval?.subject ?? '')).toEqual({
      project: tenant.project,
      environment: 'production',
      action: 'production-deploy',
      commit: answers.resolve.commit,
      digest: answers.buildImage.digest,
      lock: answers.resolve.lockSha256,
      cell: environment.cell_id,
      replaces: { run: first.runId, digest: answers.buildImage.digest },
      modules: { install: [], update: [] },
    })
    expect(approval).toMatchObject({ commit_author: 'bob@example.org', requested_by: 'member:ana' })
  })

  it('goes on once it is approved, and says in every task by what leave', async () => {
    const made = await waitingBuild()
    await let_(made)
    await play(made.runId)
    const run = await runOf(made.runId)
    expect(run).toMatchObject({ status: 'succeeded', result: 'green' })
    expect(run.timeout_at?.getTime()).toBeGreaterThan(Date.now())
    const authorization = await tenant.scope((tx) =>
      tx.selectFrom('authorizations').selectAll().where('run_id', '=', made.runId).executeTakeFirstOrThrow(),
    )
    expect(authorization).toMatchObject({
      action: 'production-deploy',
      basis: 'approval',
      approval_id: made.approvalId,
      subject_sha256: made.subjectSha256,
    })
    const tasks = await tasksOf(made.runId)
    expect(tasks.filter(({ kind }) => protectedKinds.includes(kind)).length).toBeGreaterThanOrEqual(3)
    for (const { kind, authorization_id } of tasks) {
      expect([kind, authorization_id]).toEqual([
        kind,
        protectedKinds.includes(kind) ? authorization.id : null,
      ])
    }
    expect((await stepsOf(made.runId))[2]).toMatchObject({
      status: 'succeeded',
      summary: `approved by rita-${projects}`,
    })
  })

  it('puts things back by the same leave', async () => {
    const made = await waitingBuild()
    await let_(made)
    await play(made.runId, { smoke: { status: 'failed', reason: 'smoke', error: 'the shop answers 500' } })
    expect(await runOf(made.runId)).toMatchObject({ status: 'failed', reason: 'the shop answers 500' })
    const undone = (await tasksOf(made.runId)).filter(({ kind }) =>
      ['stopRuntime', 'destroyCell'].includes(kind),
    )
    expect(undone).toHaveLength(2)
    expect(new Set(undone.map(({ authorization_id }) => authorization_id)).size).toBe(1)
    expect(undone[0]?.authorization_id).not.toBeNull()
  })

  it('has no time running out while it waits', async () => {
    const { runId } = await waitingBuild()
    await tenant.scope((tx) =>
      tx
        .updateTable('runs')
        .set({ started_at: new Date(0) })
        .where('id', '=', runId)
        .execute(),
    )
    await step(runId)
    expect(await runOf(runId)).toMatchObject({ status: 'running', cancel_cause: null })
  })

  it('ends red when it is rejected', async () => {
    const { runId, approvalId } = await waitingBuild()
    await reject(context, rita, { approvalId, note: 'not today' })
    await play(runId)
    const reason = `rejected by member:rita-${projects}: not today`
    expect(await runOf(runId)).toMatchObject({ status: 'failed', result: 'red', reason })
    expect((await stepsOf(runId))[2]).toMatchObject({ name: 'approve', status: 'failed', summary: reason })
    expect((await tasksOf(runId)).map(({ kind }) => kind)).toEqual(['resolve', 'buildImage'])
  })

  it('does not wait where the policy asks for no approval', async () => {
    await arrangePolicy(context, tenant)
    const made = await build()
    await play(made.runId)
    expect(await runOf(made.runId)).toMatchObject({ status: 'succeeded' })
    expect((await stepsOf(made.runId))[2]?.summary).toBe('the policy asks for no approval')
    expect(await approvalsOf(made.runId)).toEqual([])
  })

  it('may not be approved by who pushed it, known by the e-mail address', async () => {
    const made = await build()
    const name = rita.actor.replace('member:', '')
    await tenant.scope((tx) =>
      tx
        .updateTable('runs')
        .set({ requested_by: 'github:somebody', requester_email: name.toUpperCase() })
        .where('id', '=', made.runId)
        .execute(),
    )
    await play(made.runId)
    const [approval] = await approvalsOf(made.runId)
    expect(approval?.requester_id).toBe(rita.access.memberId)
  })
})

it.each(['release/1.0', 'feature/x'])('a build of %s shows no such step', async (branch) => {
  const made = await build(branch)
  await step(made.runId)
  expect((await stepsOf(made.runId)).map(({ name }) => name)).toEqual([
    'resolve',
    'image',
    'database',
    'deploy',
    'smoke',
    'record',
  ])
})

describe('a build that waits gives way', () => {
  const ended = async ({ runId, approvalId }: { runId: string; approvalId: string }) => {
    await play(runId)
    const [approval] = await approvalsOf(runId)
    expect(approval).toMatchObject({ id: approvalId, status: 'void' })
    await expect(let_({ approvalId, subjectSha256: approval?.subject_sha256 ?? '' })).rejects.toThrow(
      'nothing to decide any more',
    )
    return await runOf(runId)
  }

  it('to a newer build, at once', async () => {
    const waiting = await waitingBuild()
    const newer = await build()
    const [approval] = await approvalsOf(waiting.runId)
    expect(approval).toMatchObject({ status: 'void', reason: `build ${newer.number} superseded the build` })
    expect(await ended(waiting)).toMatchObject({ status: 'superseded' })
    await step(newer.runId)
    expect(await runOf(newer.runId)).toMatchObject({ status: 'running' })
  })

  it('to who cancels it', async () => {
    const waiting = await waitingBuild()
    const ref = { project: tenant.project, number: waiting.number }
    await cancelBuild(context, tenant.caller, ref as Parameters<typeof cancelBuild>[2])
    expect(await ended(waiting)).toMatchObject({ status: 'cancelled', reason: 'cancelled by member:ana' })
  })

  it('to a stop of the environment', async () => {
    await deployed()
    const waiting = await waitingBuild()
    const ref = { project: tenant.project, environment: 'production' } as Parameters<
      typeof stopEnvironment
    >[2]
    const stop = await stopEnvironment(context, tenant.caller, ref)
    expect(await ended(waiting)).toMatchObject({
      status: 'cancelled',
      reason: expect.stringMatching(/wants to stop the environment/),
    })
    await play(stop)
    expect(await runOf(stop)).toMatchObject({ status: 'succeeded' })
  })

  it('not once it is approved and has begun', async () => {
    const made = await waitingBuild()
    await let_(made)
    await step(made.runId)
    const newer = await build()
    expect(await runOf(made.runId)).toMatchObject({ status: 'running', cancel_cause: null })
    await step(newer.runId)
    expect(await runOf(newer.runId)).toMatchObject({ status: 'queued' })
  })

  it('of its place among the project’s runs', async () => {
    await waitingBuild()
    for (const branch of ['feature/a', 'feature/b', 'feature/c']) {
      const { runId } = await build(branch)
      await step(runId)
      expect(await runOf(runId)).toMatchObject({ status: 'running' })
    }
  })
})

describe('production’s environment', () => {
  const ref = () =>
    ({ project: tenant.project, environment: 'production' }) as Parameters<typeof stopEnvironment>[2]

  it('stops and starts without approval, and its tasks say by what leave', async () => {
    await deployed()
    for (const [change, action] of [
      [stopEnvironment, 'production-stop'],
      [startEnvironment, 'production-start'],
    ] as const) {
      const runId = await change(context, tenant.caller, ref())
      await play(runId)
      expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
      const authorization = await tenant.scope((tx) =>
        tx.selectFrom('authorizations').selectAll().where('run_id', '=', runId).executeTakeFirstOrThrow(),
      )
      expect(authorization).toMatchObject({ action, basis: 'policy', approval_id: null })
      for (const task of await tasksOf(runId)) expect(task.authorization_id).toBe(authorization.id)
    }
  })

  it('is destroyed only once that is approved', async () => {
    await deployed()
    const runId = await destroyEnvironment(context, tenant.caller, ref(), 'production')
    await play(runId)
    expect(await tasksOf(runId)).toEqual([])
    expect((await stepsOf(runId)).map(({ name }) => name)).toEqual(['approve', 'destroy', 'record'])
    const [approval] = await approvalsOf(runId)
    expect(approval).toMatchObject({ action: 'production-destroy', status: 'open' })
    const cells = await tenant.scope((tx) =>
      tx.selectFrom('cells').select('id').where('project_id', '=', tenant.projectId).execute(),
    )
    expect(JSON.parse(approval?.subject ?? '')).toMatchObject({ cells: cells.map(({ id }) => id) })
    await let_({ approvalId: approval?.id ?? '', subjectSha256: approval?.subject_sha256 ?? '' })
    await play(runId)
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
    expect((await tasksOf(runId)).map(({ kind }) => kind)).toContain('destroyCell')
    for (const task of await tasksOf(runId)) expect(task.authorization_id).not.toBeNull()
  })
})

it('nothing of production is asked of an agent without leave, whatever a pipeline does', async () => {
  const { runId } = await build()
  const careless: Pipelines = {
    ...pipelines,
    build: async (run) => {
      await run.step('database', () => run.removeRuntime('00000000-0000-4000-8000-000000000000'))
    },
  }
  await step(runId, careless)
  expect(await runOf(runId)).toMatchObject({
    status: 'failed',
    reason: expect.stringMatching(/touches production, and nothing authorizes it/),
  })
  expect(await tasksOf(runId)).toEqual([])
})

describe('the policy', () => {
  it('keeps a base image out that it does not allow, by name', async () => {
    await arrangePolicy(context, tenant, 'registries: [registry.elsewhere]\n')
    const { runId } = await build('feature/x')
    await play(runId)
    expect(await runOf(runId)).toMatchObject({
      status: 'failed',
      result: 'red',
      reason: expect.stringMatching(
        /comes from registry.example; the policy \(registries\) allows registry.elsewhere/,
      ),
    })
    expect((await tasksOf(runId)).map(({ kind }) => kind)).toEqual(['resolve'])
  })

  it('keeps a stage off hosts that it does not name, and says so', async () => {
    await arrangePolicy(context, tenant, 'hosts: {production: [prod-*]}\n')
    const made = await build()
    await step(made.runId)
    expect(await runOf(made.runId)).toMatchObject({
      status: 'queued',
      reason: expect.stringMatching(/the policy \(hosts.production\) allows prod-\*/),
    })
    const other = await build('feature/x')
    await step(other.runId)
    expect(await runOf(other.runId)).toMatchObject({ status: 'running' })
    await tenant.scope((tx) =>
      tx
        .insertInto('hosts')
        .values({ organization_id: organizationId, name: `prod-${projects}`, status: 'online' })
        .execute(),
    )
    await step(made.runId)
    const { host_id } = await runOf(made.runId)
    expect(host_id).not.toBeNull()
    expect(host_id).not.toBe((await runOf(other.runId)).host_id)
  })
})
