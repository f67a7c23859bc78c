import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Caller } from '../../server/governance/authorize.ts'
import { pipelines } from '../../server/pipelines/pipelines.ts'
import { advance } from '../../server/scheduler/advance.ts'
import { approve } from '../../server/services/governance/approvals.ts'
import { setPolicy } from '../../server/services/governance/policies.ts'
import { listReleases } from '../../server/services/releases/history.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { getRehearsal, startRehearsal } from '../../server/services/releases/rehearsals.ts'
import { planRelease } from '../../server/services/releases/release-plans.ts'
import { requestRelease } from '../../server/services/releases/requests.ts'
import { countRollbackLoss, getRollbackLoss } from '../../server/services/releases/rollback-loss.ts'
import { planRollback } from '../../server/services/releases/rollback-plan.ts'
import { startRollback } from '../../server/services/releases/rollbacks.ts'
import { type Play, playRun } from '../support/play-run.ts'
import { createOrganization, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { playBuild, releaseBranch } from '../support/releases.ts'
import { arrangeBuild, arrangeTenant, type Tenant } from '../support/tenant.ts'

// Releases in the real engine on a real database; the agent's part is played. What happens on hosts is in test/e2e.

let database: TestDatabase
let tenant: Tenant
let projects = 0

beforeAll(async () => {
  database = await startTestDatabase()
}, 60_000)
afterAll(() => database?.close())

/** A project of its own for each test: production runs `one`, staging serves `two`. */
beforeEach(async () => {
  const organizationId = await createOrganization(database, `acme-${++projects}`)
  tenant = await arrangeTenant(database.context, organizationId, 'shop')
  await playBuild(database.context, tenant, 'main', 'one')
  await playBuild(database.context, tenant, releaseBranch, 'two', { answers: updated })
})

const observation = {
  odooMs: '9000',
  schema: [{ kind: 'column', change: 'added', table: 'res_partner', name: 'points', detail: 'integer' }],
  versions: [
    { module: 'shop', before: '19.0.1.0.0', after: '19.0.1.1.0', scripts: ['migrations/19.0.1.1.0/post.py'] },
  ],
  issues: [{ fingerprint: 'f1', level: 'ERROR', logger: 'odoo.shop', sample: 'it hurts', count: 2 }],
}
const updated = { applyModules: { durationMs: '9500', observation } }
const quiet = { applyModules: { durationMs: '9500', observation: { odooMs: '9000' } } }
const restarted = {
  startRuntime: { durationMs: '2000' },
  smoke: { checks: [{ name: 'health', passed: true, durationMs: '300' }] },
  cloneCell: { sourceTime: '2026-02-03T04:05:06Z', durationMs: '700', copyMs: '100', bytes: '5' },
}
const context = () => database.context
const ref = { project: 'shop', branch: releaseBranch }
const play = (runId: string, how: Play = {}) =>
  playRun(context(), tenant, runId, { lines: 0, ...how, answers: { ...quiet, ...restarted, ...how.answers } })
const plan = () => planRelease(context(), tenant.caller, ref)
const runOf = (id: string) =>
  tenant.scope((tx) => tx.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirstOrThrow())
const stepsOf = (id: string) =>
  tenant.scope((tx) =>
    tx
      .selectFrom('steps')
      .select(['name', 'status', 'summary'])
      .where('run_id', '=', id)
      .orderBy('position')
      .execute(),
  )
const tasksOf = async (id: string) =>
  (
    await tenant.scope((tx) =>
      tx.selectFrom('tasks').selectAll().where('run_id', '=', id).orderBy('created_at').execute(),
    )
  ).map((task) => ({
    ...task,
    name: task.key
      .split(':')
      .slice(0, task.key.startsWith('try') ? 2 : 1)
      .join(':'),
  }))
const served = async (branch: 'main' | typeof releaseBranch = 'main') =>
  (
    await tenant.scope((tx) =>
      tx
        .selectFrom('environments')
        .innerJoin('branches', 'branches.id', 'environments.branch_id')
        .select('deployment')
        .where('branches.name', '=', branch)
        .executeTakeFirstOrThrow(),
    )
  ).deployment as { digest: string; runId: string; buildNumber: number }
const digestOf = (content: string) =>
  `sha256:${createHash('sha256').update(`image of ${content}`).digest('hex')}`
const policy = (yaml: string) =>
  setPolicy(context(), tenant.caller, { project: 'shop', yaml, expectedVersion: 0 })

async function rehearsed(how: Play = {}): Promise<string> {
  const runId = await startRehearsal(context(), tenant.caller, ref)
  await play(runId, how)
  return runId
}

async function member(name: string, role: 'release-manager' | 'developer'): Promise<Caller> {
  const { id } = await tenant.scope((tx) =>
    tx
      .insertInto('members')
      .values({ organization_id: tenant.organizationId, name, role })
      .returning('id')
      .executeTakeFirstOrThrow(),
  )
  const access = { ...tenant.caller.access, role, memberId: id }
  return { ...tenant.caller, actor: `member:${name}`, access }
}

describe('a plan', () => {
  it('compares staging’s image with production by content', async () => {
    expect(await plan()).toMatchObject({
      project: 'shop',
      environment: 'production',
      branch: releaseBranch,
      candidate: { build: 2, digest: digestOf('two') },
      current: { build: 1, digest: digestOf('one') },
      modules: [{ name: 'shop', action: 'update', why: 'content changed', missingBump: true }],
      schema: [{ kind: 'column', change: 'added', table: 'res_partner', name: 'points' }],
      interrupts: true,
      blockers: [],
    })
    expect((await plan()).hints.join('\n')).toMatch(/shop: the content changed and the version did not/)
    expect((await plan()).hints.join('\n')).toMatch(/fairway release rehearse shop release\/1\.0/)
    expect((await plan()).hints.join('\n')).toMatch(/merge release\/1\.0 into main/)
  })

  it('is the same while nothing changes, and another when production does', async () => {
    const before = (await plan()).sha256
    expect((await plan()).sha256).toBe(before)
    await playBuild(context(), tenant, 'main', 'three')
    expect((await plan()).sha256).not.toBe(before)
  })

  it('says so where there is nothing to release', async () => {
    await playBuild(context(), tenant, 'main', 'two')
    expect((await plan()).blockers).toEqual(['production runs this image already'])
    await expect(promoteRelease(context(), tenant.caller, { ...ref, planSha256: '' })).rejects.toMatchObject({
      reason: 'release-blocked',
    })
  })

  it('names a branch that has nothing to release', async () => {
    const of = (branch: string) => planRelease(context(), tenant.caller, { project: 'shop', branch })
    await expect(of('release/9')).rejects.toMatchObject({ reason: 'no-candidate' })
    await expect(of('main')).rejects.toThrow(/only what staging has tried/)
    await playBuild(context(), tenant, 'release/2.0', 'other')
    await expect(of('')).rejects.toMatchObject({ reason: 'candidate-unclear' })
  })
})

describe('a rehearsal', () => {
  it('runs the update on a scratch clone that goes with it, and touches nothing of production', async () => {
    const runId = await rehearsed({ answers: updated })
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded', result: 'yellow' })
    const tasks = await tasksOf(runId)
    expect(tasks.map(({ name }) => name)).toEqual([
      'clone',
      'neutralize',
      'apply',
      'neutralize-and-prove',
      'try:start',
      'try:smoke',
      'try:remove',
      'destroy',
    ])
    expect(tasks.filter(({ authorization_id }) => authorization_id !== null)).toEqual([])
    const production = (await served()).digest
    expect(production).toBe(digestOf('one'))
    expect(JSON.stringify(tasks[0]?.spec)).toContain('CELL_STAGE_STAGING')
    expect(await getRehearsal(context(), tenant.caller, { runId, project: '', branch: '' })).toMatchObject({
      runId,
      planSha256: (await plan()).sha256,
      verdict: 'yellow',
      reasons: ['Odoo logs a new ERROR: it hurts'],
      updateMs: 9000n,
      // stop, copy, update, start, smoke
      downtimeMs: BigInt(3000 + 100 + 9000 + 2000 + 300),
      log: [{ sample: 'it hurts', new: true }],
      migrations: [{ module: 'shop', scripts: ['migrations/19.0.1.1.0/post.py'] }],
    })
    expect((await plan()).rehearsal?.runId).toBe(runId)
  })

  it('that fails is red, says why, leaves nothing, and production alone', async () => {
    const failures = {
      'apply:rehearse': { status: 'failed', reason: 'update-failed', error: 'KeyError: tier' },
    } as const
    const runId = await rehearsed({ failures })
    expect(await runOf(runId)).toMatchObject({ status: 'failed', result: 'red', reason: 'KeyError: tier' })
    expect((await tasksOf(runId)).at(-1)).toMatchObject({ name: 'destroy', status: 'succeeded' })
    expect(await getRehearsal(context(), tenant.caller, { runId, project: '', branch: '' })).toMatchObject({
      verdict: 'red',
      reasons: ['KeyError: tier'],
    })
    expect((await plan()).rehearsal).toBeUndefined()
    const [environment] = await tenant.scope((tx) =>
      tx.selectFrom('environments').select('status').where('stage', '=', 'production').execute(),
    )
    expect(environment?.status).toBe('running')
  })

  it('shows what its update did, though what came of it does not start', async () => {
    const failures = { 'try:smoke': { status: 'failed', reason: 'smoke', error: 'answers 500' } } as const
    const runId = await rehearsed({ answers: updated, failures })
    expect(await getRehearsal(context(), tenant.caller, { runId, project: '', branch: '' })).toMatchObject({
      verdict: 'red',
      reasons: ['answers 500'],
      updateMs: 9000n,
      migrations: [{ module: 'shop' }],
    })
  })

  it('is red beyond the budget, which the policy may make a warning', async () => {
    await policy('maxDowntimeSeconds: 5\n')
    expect(await runOf(await rehearsed())).toMatchObject({
      result: 'red',
      reason: 'production would be away for about 15 s, and the policy (maxDowntimeSeconds) allows 5 s',
    })
    await policy('maxDowntimeSeconds: 5\nrehearsal: { overBudget: warn }\n')
    expect(await runOf(await rehearsed())).toMatchObject({ result: 'yellow' })
  })

  it('stands beside another run of production', async () => {
    await arrangeWaiting()
    expect(await runOf(await rehearsed())).toMatchObject({ status: 'succeeded' })
  })
})

/** A build of main that waits for its approval. */
async function arrangeWaiting(): Promise<void> {
  const build = await arrangeBuild(context(), tenant, 'main')
  await tenant.scope((tx) =>
    tx.updateTable('runs').set({ status: 'running' }).where('id', '=', build.runId).execute(),
  )
}

describe('a request', () => {
  const note = 'the spring release'
  const request = (planSha256 = '', caller = tenant.caller) =>
    requestRelease(context(), caller, { ...ref, note, planSha256 })

  it('wants a rehearsal of the very plan first', async () => {
    await expect(request()).rejects.toMatchObject({ reason: 'rehearsal-missing' })
    await rehearsed()
    expect(await request()).toMatchObject({ status: 'open', action: 'production-deploy' })
  })

  it('is for this digest, this plan and this rehearsal, and asked once', async () => {
    const rehearsal = await rehearsed()
    const { sha256 } = await plan()
    const approval = await request(sha256)
    expect(JSON.parse(approval?.subject ?? '')).toMatchObject({
      digest: digestOf('two'),
      plan: sha256,
      rehearsal: { run: rehearsal, verdict: 'green', downtimeSeconds: 15 },
      replaces: { digest: digestOf('one') },
      modules: { install: [], update: ['shop'] },
    })
    expect(approval?.summary).toContain(note)
    expect((await request())?.id).toBe(approval?.id)
    expect((await plan()).approval?.id).toBe(approval?.id)
    await expect(request('f'.repeat(64))).rejects.toMatchObject({ reason: 'plan-changed' })
  })

  it('is void when production changes', async () => {
    await rehearsed()
    const approval = await request()
    await playBuild(context(), tenant, 'main', 'three')
    expect(await approvalOf(approval?.id)).toMatchObject({
      status: 'void',
      reason: 'production has changed since it was asked for',
    })
  })

  it('is void when the branch serves a newer commit', async () => {
    await rehearsed()
    const approval = await request()
    await playBuild(context(), tenant, releaseBranch, 'four')
    expect(await approvalOf(approval?.id)).toMatchObject({ status: 'void' })
    expect((await approvalOf(approval?.id)).reason).toMatch(/build 3 took the place/)
  })

  it('is nobody’s to approve who pushed the commit', async () => {
    await rehearsed()
    const rita = await member('rita2', 'release-manager')
    await tenant.scope((tx) =>
      tx
        .updateTable('runs')
        .set({ trigger: 'push', requested_by: 'github:rita2' })
        .where('number', '=', 2)
        .execute(),
    )
    const approval = await request()
    const vote = { approvalId: approval?.id ?? '', subjectSha256: approval?.subjectSha256 ?? '', note: '' }
    await expect(approve(context(), rita, vote)).rejects.toMatchObject({ reason: 'not-your-approval' })
  })
})

const approvalOf = (id = '') =>
  tenant.scope((tx) => tx.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirstOrThrow())

describe('a promotion', () => {
  it('takes the same digest to production, by the approval that was given before', async () => {
    await rehearsed()
    const asked = await requestRelease(context(), tenant.caller, { ...ref, note: '', planSha256: '' })
    const rita = await member('rita3', 'release-manager')
    const vote = { approvalId: asked?.id ?? '', subjectSha256: asked?.subjectSha256 ?? '', note: '' }
    await approve(context(), rita, vote)
    const runId = await promoteRelease(context(), tenant.caller, {
      ...ref,
      planSha256: (await plan()).sha256,
    })
    await play(runId)
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
    expect(await approvalOf(asked?.id)).toMatchObject({ status: 'used', run_id: runId })
    expect(await served()).toMatchObject({ digest: digestOf('two'), buildNumber: 2, runId })
    expect((await stepsOf(runId)).map(({ name, status }) => `${name} ${status}`)).toEqual([
      'plan succeeded',
      'rehearse succeeded',
      'approve succeeded',
      'database succeeded',
      'deploy succeeded',
      'smoke succeeded',
      'record succeeded',
    ])
    const tasks = await tasksOf(runId)
    // Nothing is resolved, built or rehearsed again.
    expect(tasks.map(({ name }) => name)).toEqual([
      'room',
      'route-maintenance',
      'stop-current',
      'snapshot',
      'apply',
      'start',
      'smoke',
      'route',
      'remove',
      'collect-images',
    ])
    const [maintenance] = tasks.filter(({ name }) => name === 'route-maintenance')
    expect(JSON.stringify(maintenance?.spec)).toContain('"retryAfterSeconds":15')
  })

  it('rehearses by itself where nobody did, and waits for an approval', async () => {
    const runId = await promoteRelease(context(), tenant.caller, { ...ref, planSha256: '' })
    await play(runId)
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
    expect((await tasksOf(runId)).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['clone', 'try:smoke', 'destroy', 'route-maintenance']),
    )
  })

  it('does not go on when the rehearsal is red', async () => {
    const failures = { 'apply:rehearse': { status: 'failed', reason: 'x', error: 'no such column' } } as const
    const runId = await promoteRelease(context(), tenant.caller, { ...ref, planSha256: '' })
    await play(runId, { failures })
    expect(await runOf(runId)).toMatchObject({ status: 'failed', reason: 'no such column' })
    expect((await tasksOf(runId)).map(({ name }) => name)).not.toContain('room')
    expect((await served()).digest).toBe(digestOf('one'))
  })

  it('that fails puts back code and data, and keeps the failed data for study', async () => {
    const failures = { 'apply:update': { status: 'failed', reason: 'x', error: 'disk quota' } } as const
    const runId = await promoteRelease(context(), tenant.caller, { ...ref, planSha256: '' })
    await play(runId, { failures })
    expect(await runOf(runId)).toMatchObject({ status: 'failed', reason: 'disk quota' })
    const names = (await tasksOf(runId)).map(({ name }) => name)
    expect(names.slice(names.indexOf('apply', names.indexOf('room')))).toEqual([
      'apply',
      'snapshot',
      'restore',
      'start-current',
      'route-current',
    ])
    expect((await served()).digest).toBe(digestOf('one'))
    const [entry] = await listReleases(context(), tenant.caller, { project: 'shop', limit: 1 })
    expect(entry).toMatchObject({ kind: 'promote', putBack: true, current: false, codeKept: false })
    expect(entry?.failedSnapshotId).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('puts back even where the failed data can’t be kept', async () => {
    const broken = (error: string) => ({ status: 'failed', reason: 'x', error }) as const
    const failures = { 'apply:update': broken('no'), 'snapshot:failed': broken('the pool is full') }
    const runId = await promoteRelease(context(), tenant.caller, { ...ref, planSha256: '' })
    await play(runId, { failures })
    const run = await runOf(runId)
    expect(run).toMatchObject({ status: 'failed', reason: 'no' })
    expect(run.warnings.join()).toContain('the pool is full')
    expect((await tasksOf(runId)).map(({ name }) => name)).toContain('restore')
  })

  it('that waits for an approval gives way to a newer build of its branch', async () => {
    const runId = await promoteRelease(context(), tenant.caller, { ...ref, planSha256: '' })
    await untilWaiting(runId)
    await playBuild(context(), tenant, releaseBranch, 'four')
    await play(runId)
    expect(await runOf(runId)).toMatchObject({ status: 'superseded' })
    expect((await served()).digest).toBe(digestOf('one'))
  })

  it('does not go by a rehearsal that has become too old while it waited', async () => {
    const runId = await promoteRelease(context(), tenant.caller, { ...ref, planSha256: '' })
    await untilWaiting(runId)
    await policy('rehearsal: { maxAge: 1s }\n')
    await vi.waitFor(
      async () => {
        await advance(context(), context().config, pipelines, {
          runId,
          organizationId: tenant.organizationId,
        })
        expect((await runOf(runId)).status).toBe('failed')
      },
      { timeout: 10_000 },
    )
    expect((await runOf(runId)).reason).toMatch(/older than the policy \(rehearsal\.maxAge\) allows, 1s/)
  })

  it('is refused to who may not', async () => {
    const dora = await member('dora', 'developer')
    await expect(promoteRelease(context(), dora, { ...ref, planSha256: '' })).rejects.toMatchObject({
      reason: 'permission-denied',
    })
  })
})

/** Plays the rehearsal, and stops where somebody has to approve. */
async function untilWaiting(runId: string): Promise<void> {
  await play(runId, { untilApproval: true })
  expect((await stepsOf(runId)).find(({ name }) => name === 'approve')).toMatchObject({ status: 'running' })
}

/** Production runs `two`, released from staging. */
async function promoted(how: Play = { answers: updated }): Promise<string> {
  const runId = await promoteRelease(context(), tenant.caller, { ...ref, planSha256: '' })
  await play(runId, how)
  expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
  return runId
}

describe('a rollback', () => {
  const wanted = { project: 'shop', toBuild: 0, withData: false, force: false, planSha256: '' }
  const back = async (more: Partial<typeof wanted>, how: Play = {}) => {
    const runId = await startRollback(context(), tenant.caller, { ...wanted, ...more })
    await play(runId, how)
    return runId
  }

  it('without data is refused when the schema moved on, and can be forced', async () => {
    await promoted()
    const planned = await planRollback(context(), tenant.caller, wanted)
    expect(planned.refusal).toBe(
      'release 2 (build 2) changed the schema (column res_partner.points added) and ran migration scripts of shop',
    )
    await expect(back({})).rejects.toMatchObject({ reason: 'rollback-refused' })
    const runId = await back({ force: true })
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
    expect((await served()).digest).toBe(digestOf('one'))
    expect((await tasksOf(runId)).map(({ name }) => name)).toContain('apply')
  })

  it('without data loads the older modules again when only their content changed', async () => {
    await promoted({ answers: quiet })
    expect(await planRollback(context(), tenant.caller, wanted)).toMatchObject({
      refusal: '',
      updates: ['shop'],
    })
    const runId = await back({})
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
    expect(await served()).toMatchObject({ digest: digestOf('one'), buildNumber: 1 })
  })

  it('with data counts what would be lost first, and puts the safety snapshot back', async () => {
    await promoted()
    const count = await countRollbackLoss(context(), tenant.caller, { project: 'shop', toBuild: 0 })
    expect(await getRollbackLoss(context(), tenant.caller, count)).toBeUndefined()
    await play(count, {
      answers: { inspectCell: { changedRows: '7', changes: [{ table: 'sale_order', rows: '7' }] } },
    })
    expect(await getRollbackLoss(context(), tenant.caller, count)).toMatchObject({
      changedRows: 7n,
      tables: [{ table: 'sale_order', rows: 7n }],
    })
    const runId = await back({ withData: true })
    expect((await tasksOf(runId)).map(({ name }) => name)).toEqual([
      'room',
      'route-maintenance',
      'stop-current',
      'snapshot',
      'restore',
      'start',
      'smoke',
      'route',
      'remove',
    ])
    expect(await served()).toMatchObject({ digest: digestOf('one'), buildNumber: 1 })
    const [entry] = await listReleases(context(), tenant.caller, { project: 'shop', limit: 1 })
    expect(entry).toMatchObject({ kind: 'rollback', withData: true, current: true, build: 1 })
  })

  it('can be taken back by another one', async () => {
    await promoted()
    await back({ withData: true })
    await back({ withData: true })
    expect((await served()).digest).toBe(digestOf('two'))
  })

  it('that fails leaves production as it was before', async () => {
    await promoted()
    const failures = { smoke: { status: 'failed', reason: 'smoke', error: 'answers 500' } } as const
    const runId = await back({ withData: true }, { failures })
    expect(await runOf(runId)).toMatchObject({ status: 'failed', reason: 'answers 500' })
    expect((await served()).digest).toBe(digestOf('two'))
    const restores = (await tasksOf(runId)).filter(({ name }) => name === 'restore')
    expect(restores).toHaveLength(2)
    expect((await tasksOf(runId)).at(-1)?.name).toBe('route-current')
  })

  it('goes to any build that was live, and to no other', async () => {
    await promoted({ answers: quiet })
    await playBuild(context(), tenant, 'main', 'three', { answers: quiet })
    expect(await planRollback(context(), tenant.caller, { ...wanted, toBuild: 1 })).toMatchObject({
      target: { build: 1 },
      current: { build: 3 },
    })
    await expect(planRollback(context(), tenant.caller, { ...wanted, toBuild: 9 })).rejects.toThrow(
      /Build 9 never went live in production\. It was: 2, 1/,
    )
    await expect(planRollback(context(), tenant.caller, { ...wanted, toBuild: 3 })).rejects.toThrow(
      /runs build 3 already/,
    )
  })

  it('waits for the approval that the policy asks for', async () => {
    await promoted()
    const runId = await startRollback(context(), tenant.caller, { ...wanted, withData: true })
    await play(runId)
    const approvals = await tenant.scope((tx) =>
      tx.selectFrom('approvals').selectAll().where('run_id', '=', runId).execute(),
    )
    expect(approvals).toMatchObject([{ action: 'rollback', status: 'used' }])
    expect(JSON.parse(approvals[0]?.subject ?? '')).toMatchObject({ to: { build: 1 }, forced: false })
  })
})

describe('what was released', () => {
  it('is listed with who, what, when and how it ended', async () => {
    await promoted()
    const entries = await listReleases(context(), tenant.caller, { project: 'shop', limit: 10 })
    expect(entries.map(({ kind, build, current }) => [kind, build, current])).toEqual([
      ['promote', 2, true],
      ['deploy', 1, false],
    ])
    expect(entries[0]).toMatchObject({
      digest: digestOf('two'),
      requestedBy: 'member:ana',
      approvedBy: ['rita'],
      updatedModules: ['shop'],
      // Nothing came after it that could be taken back.
      dataKept: false,
    })
    expect(entries[1]).toMatchObject({ codeKept: true, dataKept: true })
  })
})
