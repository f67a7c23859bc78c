import { describe, expect, it } from 'vitest'
import { EnvironmentStatus } from '../../proto/gen/fairway/v1/environments_pb.js'
import { lockTask, settleTask } from '../../server/fleet/settle.ts'
import { getEnvironment } from '../../server/services/environments/environment-views.ts'
import { startEnvironment } from '../../server/services/environments/environments.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { countRollbackLoss } from '../../server/services/releases/rollback-loss.ts'
import { planRollback } from '../../server/services/releases/rollback-plan.ts'
import { startRollback } from '../../server/services/releases/rollbacks.ts'
import { listDataSnapshots } from '../../server/services/releases/snapshots.ts'
import type { Play } from '../support/play-run.ts'
import { playBuild, releaseBranch } from '../support/releases.ts'
import { digestOf, ref, updated, useReleases } from '../support/use-releases.ts'

// Production's data between two states, and the safety snapshots that end it.

const { tenant, context, play, plan, runOf, tasksOf, served, promoted, rehearsed, asOwner } = useReleases()

const failed = { status: 'failed', reason: 'data-invalid', error: 'a view is broken' } as const
const wanted = { project: 'shop', toBuild: 0, withData: false, force: false, planSha256: '' }
const names = async (runId: string) => (await tasksOf(runId)).map(({ name }) => name)
const place = { $typeName: 'fairway.v1.EnvironmentRef', project: 'shop', environment: 'main' } as const
const production = () => getEnvironment(context(), tenant().caller, place)
const start = () => startEnvironment(context(), tenant().caller, place)
const dirtySince = async () => (await production()).dirtySince
const markDirty = async () =>
  asOwner(`update cells set dirty_since = '2026-01-02T03:04:05Z' where id = $1`, [(await production()).cell])
const projectId = () => tenant().projectId
const snapshots = () => listDataSnapshots(context(), tenant().caller, 'shop')

/** A release whose update fails, and which is put back. */
async function putBack(how: Play = {}): Promise<string> {
  const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
  await play(runId, { failures: { 'apply:update': failed }, ...how })
  expect(await runOf(runId)).toMatchObject({ status: 'failed', record: { restored: true } })
  return runId
}

async function restore(snapshotId: string, how: Play = {}): Promise<string> {
  const { runId } = await startRollback(context(), tenant().caller, { ...wanted, snapshotId })
  await play(runId, how)
  return runId
}

describe('the mark', () => {
  it('is there from an update or a restore on, until what it made is live or what was is back', async () => {
    const marked: string[] = []
    const look = async (kind: string) => {
      if (await dirtySince()) marked.push(kind)
    }
    const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
    await play(runId, { answers: updated, duringTask: look })
    expect(marked).toEqual(['applyModules', 'startRuntime', 'smoke', 'switchRoute'])
    expect(await dirtySince()).toBeUndefined()
    await playBuild(context(), tenant(), releaseBranch, 'three', { answers: updated })
    marked.length = 0
    await putBack({ duringTask: look })
    expect(marked).toEqual(['applyModules', 'snapshotCell', 'restoreCell'])
    expect(await dirtySince()).toBeUndefined()
  })

  it('is put there on the word of an agent as well', async () => {
    const runId = await promoted()
    const [task] = await asOwner(
      `insert into tasks (organization_id, run_id, step_id, host_id, key, kind, spec, timeout_ms)
       select r.organization_id, r.id, s.id, $2, 'look', 'inspectCell', $3, 1000
       from runs r, steps s where r.id = $1 limit 1 returning id`,
      [runId, tenant().hostId, JSON.stringify({ inspectCell: { cellId: (await production()).cell } })],
    )
    await tenant().scope(async (tx) => {
      await lockTask(tx, task?.id as string)
      const settled = { status: 'failed', reason: 'dirty', error: 'between two states' } as const
      await settleTask(tx, tenant().caller, task?.id as string, settled)
    })
    expect(await dirtySince()).toBeDefined()
  })
})

describe('production’s data between two states', () => {
  it('are not planned from, rehearsed on, cloned, counted, started or kept by a rollback', async () => {
    await promoted()
    await markDirty()
    expect((await plan())?.blockers.join()).toMatch(
      /between two states: what began to change them at 2026-01-02 .* fairway release restore shop/,
    )
    const dirty = { reason: 'dirty' }
    await expect(planRollback(context(), tenant().caller, wanted)).rejects.toMatchObject(dirty)
    await expect(
      countRollbackLoss(context(), tenant().caller, { project: 'shop', toBuild: 0 }),
    ).rejects.toMatchObject(dirty)
    await asOwner(`update environments set status = 'failed' where cell_id = $1`, [(await production()).cell])
    await expect(start()).rejects.toMatchObject(dirty)
    const between = { status: 'failed', reason: expect.stringContaining('between two states') }
    await expect(rehearsed()).rejects.toMatchObject({ reason: 'release-blocked' })
    const { runId: build } = await playBuild(context(), tenant(), releaseBranch, 'four')
    expect(await runOf(build)).toMatchObject(between)
    expect(await names(build)).not.toContain('clone')
  })

  it('go back to a safety snapshot, without one of their own and with nothing counted', async () => {
    await promoted()
    await markDirty()
    const planned = await planRollback(context(), tenant().caller, { ...wanted, snapshotId: '' })
    expect(planned).toMatchObject({ withData: true, target: { build: 1 }, dirtySince: expect.anything() })
    const noRoom = { status: 'failed', reason: 'disk-full', error: 'the reserve is in use' } as const
    const runId = await restore('', { failures: { checkRoom: noRoom } })
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
    expect(await names(runId)).toEqual([
      'fetch-image',
      'route-maintenance',
      'stop-current',
      'snapshot',
      'restore',
      'start',
      'smoke',
      'route',
      'remove',
    ])
    expect((await snapshots()).map(({ purpose }) => purpose)).toEqual(['failed', 'safety'])
    expect(await served()).toMatchObject({ digest: digestOf('one') })
    expect(await dirtySince()).toBeUndefined()
  })

  it('are put back by the second restore where only their host knows of them', async () => {
    await promoted()
    const between = {
      status: 'failed',
      reason: 'dirty',
      error: 'the data of the cell are between two states',
    } as const
    const runId = await restore('', { failures: { snapshotCell: between } })
    expect(await runOf(runId)).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/between two states; .* nothing whole to go back to/),
    })
    expect(await names(runId)).not.toContain('start-current')
    // As the link does with what an agent refused.
    await markDirty()
    expect(await runOf(await restore(''))).toMatchObject({ status: 'succeeded' })
  })

  it('lose no snapshot to that, and the last whole ones have their time from then on', async () => {
    await promoted()
    await playBuild(context(), tenant(), releaseBranch, 'three', { answers: updated })
    const { runId: lost } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
    await play(lost, { failures: { 'apply:update': failed, restoreCell: failed }, abandonAfter: 2 })
    const age = async (days: number) => {
      const ago = `- interval '${days} days'`
      await asOwner(`update snapshots set created_at = created_at ${ago} where project_id = $1`, [
        projectId(),
      ])
      await asOwner(`update releases set went_live_at = went_live_at ${ago} where project_id = $1`, [
        projectId(),
      ])
    }
    const safetyOf = async () =>
      (await snapshots()).filter(({ purpose }) => purpose === 'safety').map(({ runId }) => runId)
    await age(10)
    const ofRelease = (await snapshots()).find(({ release }) => release > 0)
    const runId = await restore(ofRelease?.id ?? '')
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
    expect(await safetyOf()).toEqual([lost, ofRelease?.runId])
    const update = async (content: string) =>
      runOf((await playBuild(context(), tenant(), 'main', content, { answers: updated })).runId)
    expect(await update('four')).toMatchObject({ status: 'succeeded' })
    expect(await safetyOf()).toContain(lost)
    await age(4)
    expect(await update('five')).toMatchObject({ status: 'succeeded' })
    expect(await safetyOf()).not.toContain(lost)
  })

  it('are served by nobody where that fails', async () => {
    await promoted()
    await markDirty()
    const runId = await restore('', { failures: { restoreCell: failed } })
    expect(await runOf(runId)).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/a view is broken; .* nothing whole to go back to/),
    })
    expect(await names(runId)).not.toContain('start-current')
    expect(await dirtySince()).toBeDefined()
    expect((await production()).status).toBe(EnvironmentStatus.FAILED)
  })
})

describe('whole data that are not those of what is served', () => {
  /** Production is down, and nothing starts the code of before on the data of another. */
  async function expectDown(runId: string, status: string, digest: string): Promise<void> {
    expect(await runOf(runId)).toMatchObject({ status })
    expect(await served()).toMatchObject({ digest: digestOf(digest) })
    expect(await dirtySince()).toBeDefined()
    await expect(start()).rejects.toMatchObject({ reason: 'dirty' })
  }

  it.each([
    ['does not start', 'failed', { failures: { startRuntime: failed } }],
    ['is cancelled before it starts', 'cancelled', { cancelAfter: 5 }],
  ] as const)('stay between two states where what goes back with them %s', async (_, status, how) => {
    await promoted()
    await markDirty()
    const runId = await restore('', how)
    expect(await names(runId)).toContain('restore')
    await expectDown(runId, status, 'two')
    await restore('')
    expect(await served()).toMatchObject({ digest: digestOf('one') })
    expect(await dirtySince()).toBeUndefined()
  })

  it('stay so where an update that did not prove itself is given up half put back', async () => {
    const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
    // Of production's own runtime; that of the rehearsal comes through.
    await play(runId, { failures: { 'start:': failed, 'remove:': failed }, abandonAfter: 2 })
    expect(await names(runId)).not.toContain('restore')
    await expectDown(runId, 'failed', 'one')
  })
})

describe('every safety snapshot', () => {
  it('is listed with what it is of, and that of a failed release goes back with the code that is served', async () => {
    await promoted()
    await playBuild(context(), tenant(), releaseBranch, 'three', { answers: updated })
    const failedRun = await putBack()
    const listed = await snapshots()
    expect(listed).toMatchObject([
      { purpose: 'failed', runId: failedRun, kind: 'promote', release: 0, servedBuild: 2 },
      { purpose: 'safety', runId: failedRun, kind: 'promote', build: 3, release: 0, servedBuild: 2 },
      { purpose: 'safety', kind: 'promote', build: 2, release: 2, servedBuild: 1 },
    ])
    const [study, ofFailed, ofReleased] = listed
    const runId = await restore(ofFailed?.id.slice(0, 13) ?? '')
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded', record: { withData: true } })
    expect(await served()).toMatchObject({ digest: digestOf('two') })
    const restoring = (await tasksOf(runId)).find(({ kind }) => kind === 'restoreCell')
    expect(restoring?.spec).toMatchObject({ restoreCell: { snapshotId: ofFailed?.id } })
    expect((await tasksOf(runId)).find(({ kind }) => kind === 'checkRoom')?.spec).toMatchObject({
      checkRoom: { snapshotId: ofFailed?.id },
    })
    // The data of before the release go back with the code of before.
    await restore(ofReleased?.id ?? '')
    expect(await served()).toMatchObject({ digest: digestOf('one') })
    await expect(restore(study?.id ?? '')).rejects.toMatchObject({ reason: 'snapshot-not-found' })
    await expect(restore('zzz')).rejects.toThrow('fairway snapshot list shop')
  })

  it('goes back with no code but that which served it, also over a restore that had none to take', async () => {
    await promoted()
    await markDirty()
    await restore('')
    await playBuild(context(), tenant(), 'main', 'four', { answers: updated })
    const withData = { ...wanted, withData: true }
    await expect(
      startRollback(context(), tenant().caller, { ...withData, toBuild: 2 }),
    ).rejects.toMatchObject({
      reason: 'no-data-to-restore',
      message: expect.stringMatching(/release 3 put others in their place/),
    })
    const planned = await planRollback(context(), tenant().caller, { ...withData, toBuild: 1 })
    expect(planned).toMatchObject({ target: { build: 1 }, withData: true })
  })

  it('takes the approval of a rollback, for exactly that snapshot', async () => {
    await promoted()
    const [snapshot] = await snapshots()
    const asked = async () => {
      const { runId } = await startRollback(context(), tenant().caller, { ...wanted, snapshotId: '' })
      await play(runId, { untilApproval: true })
      expect(await names(runId)).toEqual([])
      const [approval] = await asOwner('select action, subject, summary from approvals where run_id = $1', [
        runId,
      ])
      expect(approval?.action).toBe('rollback')
      await asOwner(`update runs set cancel_cause = 'user' where id = $1`, [runId])
      await play(runId)
      return { subject: JSON.parse(approval?.subject as string), summary: approval?.summary as string }
    }
    const clean = await asked()
    const words = `Roll shop/production back from build 2 to build 1, with the data of 2026-02-03 04:05 UTC (snapshot ${snapshot?.id.slice(0, 8)})`
    expect(clean).toMatchObject({ subject: { data: { snapshot: snapshot?.id } }, summary: words })
    expect(clean.subject).not.toHaveProperty('fromDirty')
    await markDirty()
    expect(await asked()).toEqual({
      subject: { ...clean.subject, fromDirty: true },
      summary: `${words}; what is there now is between two states and no way back: no safety snapshot is taken of it`,
    })
  })
})
