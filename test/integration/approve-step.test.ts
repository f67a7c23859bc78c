import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { taskKinds } from '../../lib/tasks/task-kinds.ts'
import type { AppContext } from '../../server/context.ts'
import { getBuildOfRun } from '../../server/services/builds/build-views.ts'
import { cancelBuild } from '../../server/services/builds/builds.ts'
import { stopEnvironment } from '../../server/services/environments/environments.ts'
import { reject } from '../../server/services/governance/approvals.ts'
import { arrangePolicy } from '../support/approvals.ts'
import { answers } from '../support/play-run.ts'
import { arrangeRuns, type PlayedRuns } from '../support/played-runs.ts'
import { createOrganization, startTestDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
let context: AppContext
let organizationId: string
let runs: PlayedRuns
let project: string
let projects = 0

beforeAll(async () => {
  database = await startTestDatabase()
  context = database.context
  organizationId = await createOrganization(database, 'acme')
}, 60_000)
afterAll(() => database?.close())

beforeEach(async () => {
  project = `shop-${++projects}`
  runs = await arrangeRuns(context, organizationId, project)
})

const protectedKinds = Object.entries(taskKinds).flatMap(([kind, { production }]) =>
  production === 'changes' ? [kind] : [],
)

const approveStep = async (runId: string) =>
  (await runs.stepsOf(runId)).find(({ name }) => name === 'approve')

describe('a production build', () => {
  it('waits between image and database, and has touched nothing', async () => {
    const { runId, approvalId } = await runs.waitingBuild()
    expect(await runs.runOf(runId)).toMatchObject({ status: 'running', timeout_at: null })
    expect((await runs.tasksOf(runId)).map(({ kind }) => kind)).toEqual(['resolve', 'buildImage'])
    expect((await runs.stepsOf(runId)).map(({ name, status }) => `${name} ${status}`)).toEqual([
      'resolve succeeded',
      'image succeeded',
      'rehearse succeeded',
      'approve running',
      'database queued',
      'deploy queued',
      'smoke queued',
      'record queued',
    ])
    const short = approvalId.slice(0, 8)
    expect((await approveStep(runId))?.summary).toBe(
      `waits for approval ${short} (by owner or release-manager): fairway approval show ${short}`,
    )
    expect(await getBuildOfRun(context, runs.tenant.caller, runId)).toMatchObject({ approvalId })
  })

  it('is approved as exactly what would happen', async () => {
    const first = await runs.deployed()
    const { runId } = await runs.waitingBuild()
    const [approval] = await runs.approvalsOf(runId)
    const environment = await runs.tenant.scope((tx) =>
      tx
        .selectFrom('environments')
        .select('cell_id')
        .where('id', '=', first.environmentId)
        .executeTakeFirstOrThrow(),
    )
    expect(JSON.parse(approval?.subject ?? '')).toEqual({
      project: runs.tenant.project,
      environment: 'production',
      action: 'production-deploy',
      commit: answers.resolve.commit,
      digest: answers.buildImage.digest,
      lock: answers.resolve.lockSha256,
      cell: environment.cell_id,
      replaces: { run: first.runId, digest: answers.buildImage.digest },
      modules: { install: [], update: [] },
      plan: expect.stringMatching(/^[0-9a-f]{64}$/),
      rehearsal: null,
    })
    expect(approval).toMatchObject({ commit_author: 'bob@example.org', requested_by: 'member:ana' })
  })

  it('goes on once it is approved, and says in every task by what leave', async () => {
    const made = await runs.waitingBuild()
    await runs.approveAsRita(made)
    await runs.play(made.runId)
    const run = await runs.runOf(made.runId)
    expect(run).toMatchObject({ status: 'succeeded', result: 'green' })
    expect(run.timeout_at?.getTime()).toBeGreaterThan(Date.now())
    const authorization = await runs.tenant.scope((tx) =>
      tx.selectFrom('authorizations').selectAll().where('run_id', '=', made.runId).executeTakeFirstOrThrow(),
    )
    expect(authorization).toMatchObject({
      action: 'production-deploy',
      basis: 'approval',
      approval_id: made.approvalId,
      subject_sha256: made.subjectSha256,
    })
    const tasks = await runs.tasksOf(made.runId)
    expect(tasks.filter(({ kind }) => protectedKinds.includes(kind)).length).toBeGreaterThanOrEqual(3)
    for (const { kind, authorization_id } of tasks) {
      expect([kind, authorization_id]).toEqual([
        kind,
        protectedKinds.includes(kind) ? authorization.id : null,
      ])
    }
    expect(await approveStep(made.runId)).toMatchObject({
      status: 'succeeded',
      summary: `approved by rita-${project}`,
    })
  })

  it('puts things back by the same leave', async () => {
    const made = await runs.waitingBuild()
    await runs.approveAsRita(made)
    await runs.play(made.runId, {
      smoke: { status: 'failed', reason: 'smoke', error: 'the shop answers 500' },
    })
    expect(await runs.runOf(made.runId)).toMatchObject({ status: 'failed', reason: 'the shop answers 500' })
    const undone = (await runs.tasksOf(made.runId)).filter(({ kind }) =>
      ['stopRuntime', 'destroyCell'].includes(kind),
    )
    expect(undone).toHaveLength(2)
    expect(new Set(undone.map(({ authorization_id }) => authorization_id)).size).toBe(1)
    expect(undone[0]?.authorization_id).not.toBeNull()
  })

  it('has no time running out while it waits', async () => {
    const { runId } = await runs.waitingBuild()
    await runs.tenant.scope((tx) =>
      tx
        .updateTable('runs')
        .set({ started_at: new Date(0) })
        .where('id', '=', runId)
        .execute(),
    )
    await runs.step(runId)
    expect(await runs.runOf(runId)).toMatchObject({ status: 'running', cancel_cause: null })
  })

  it('ends red when it is rejected', async () => {
    const { runId, approvalId } = await runs.waitingBuild()
    await reject(context, runs.rita, { approvalId, note: 'not today' })
    await runs.play(runId)
    const reason = `rejected by member:rita-${project}: not today`
    expect(await runs.runOf(runId)).toMatchObject({ status: 'failed', result: 'red', reason })
    expect(await approveStep(runId)).toMatchObject({
      name: 'approve',
      status: 'failed',
      summary: reason,
    })
    expect((await runs.tasksOf(runId)).map(({ kind }) => kind)).toEqual(['resolve', 'buildImage'])
  })

  it('does not wait where the policy asks for no approval', async () => {
    await arrangePolicy(context, runs.tenant)
    const made = await runs.build()
    await runs.play(made.runId)
    expect(await runs.runOf(made.runId)).toMatchObject({ status: 'succeeded' })
    expect((await approveStep(made.runId))?.summary).toBe('the policy asks for no approval')
    expect(await runs.approvalsOf(made.runId)).toEqual([])
  })

  it('may not be approved by who pushed it, known by the e-mail address', async () => {
    const made = await runs.build()
    const name = runs.rita.actor.replace('member:', '')
    await runs.tenant.scope((tx) =>
      tx
        .updateTable('runs')
        .set({ requested_by: 'github:somebody', requester_email: name.toUpperCase() })
        .where('id', '=', made.runId)
        .execute(),
    )
    await runs.play(made.runId)
    const [approval] = await runs.approvalsOf(made.runId)
    expect(approval?.requester_id).toBe(runs.rita.access.memberId)
  })
})

it.each(['release/1.0', 'feature/x'])('a build of %s shows no such step', async (branch) => {
  const made = await runs.build(branch)
  await runs.step(made.runId)
  expect((await runs.stepsOf(made.runId)).map(({ name }) => name)).toEqual([
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
    await runs.play(runId)
    const [approval] = await runs.approvalsOf(runId)
    expect(approval).toMatchObject({ id: approvalId, status: 'void' })
    await expect(
      runs.approveAsRita({ approvalId, subjectSha256: approval?.subject_sha256 ?? '' }),
    ).rejects.toThrow('nothing to decide any more')
    return await runs.runOf(runId)
  }

  it('to a newer build, at once', async () => {
    const waiting = await runs.waitingBuild()
    const newer = await runs.build()
    const [approval] = await runs.approvalsOf(waiting.runId)
    expect(approval).toMatchObject({ status: 'void', reason: `build ${newer.number} superseded the build` })
    expect(await ended(waiting)).toMatchObject({ status: 'superseded' })
    await runs.step(newer.runId)
    expect(await runs.runOf(newer.runId)).toMatchObject({ status: 'running' })
  })

  it('to who cancels it', async () => {
    const waiting = await runs.waitingBuild()
    const ref = { project: runs.tenant.project, number: waiting.number }
    await cancelBuild(context, runs.tenant.caller, ref as Parameters<typeof cancelBuild>[2])
    expect(await ended(waiting)).toMatchObject({ status: 'cancelled', reason: 'cancelled by member:ana' })
  })

  it('to a stop of the environment', async () => {
    await runs.deployed()
    const waiting = await runs.waitingBuild()
    const ref = { project: runs.tenant.project, environment: 'production' } as Parameters<
      typeof stopEnvironment
    >[2]
    const { runId: stop } = await stopEnvironment(context, runs.tenant.caller, ref)
    expect(await ended(waiting)).toMatchObject({
      status: 'cancelled',
      reason: expect.stringMatching(/wants to stop the environment/),
    })
    await runs.play(stop)
    expect(await runs.runOf(stop)).toMatchObject({ status: 'succeeded' })
  })

  it('not once it is approved and has begun', async () => {
    const made = await runs.waitingBuild()
    await runs.approveAsRita(made)
    await runs.step(made.runId)
    const newer = await runs.build()
    expect(await runs.runOf(made.runId)).toMatchObject({ status: 'running', cancel_cause: null })
    await runs.step(newer.runId)
    expect(await runs.runOf(newer.runId)).toMatchObject({ status: 'queued' })
  })

  it('of its place among the project’s runs', async () => {
    await runs.waitingBuild()
    for (const branch of ['feature/a', 'feature/b', 'feature/c']) {
      const { runId } = await runs.build(branch)
      await runs.step(runId)
      expect(await runs.runOf(runId)).toMatchObject({ status: 'running' })
    }
  })
})
