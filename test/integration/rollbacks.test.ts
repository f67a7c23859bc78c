import { describe, expect, it } from 'vitest'
import { listReleases } from '../../server/services/releases/history.ts'
import { countRollbackLoss, getRollbackLoss } from '../../server/services/releases/rollback-loss.ts'
import { planRollback } from '../../server/services/releases/rollback-plan.ts'
import { startRollback } from '../../server/services/releases/rollbacks.ts'
import { noApprovals } from '../support/no-approvals.ts'
import type { Play } from '../support/play-run.ts'
import { playBuild } from '../support/releases.ts'
import { digestOf, quiet, updated, useReleases } from '../support/use-releases.ts'

// Back to what production ran before.

const { tenant, context, play, runOf, tasksOf, served, promoted, policy, asOwner } = useReleases()

describe('a rollback', () => {
  const wanted = { project: 'shop', toBuild: 0, withData: false, force: false, planSha256: '' }
  const back = async (more: Partial<typeof wanted>, how: Play = {}) => {
    const { runId } = await startRollback(context(), tenant().caller, { ...wanted, ...more })
    await play(runId, how)
    return runId
  }

  it('without data is refused when the schema moved on, and can be forced', async () => {
    await promoted()
    const planned = await planRollback(context(), tenant().caller, wanted)
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
    expect(await planRollback(context(), tenant().caller, wanted)).toMatchObject({
      refusal: '',
      updates: ['shop'],
    })
    const runId = await back({})
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
    expect(await served()).toMatchObject({ digest: digestOf('one'), buildNumber: 1 })
  })

  it('asked for before anybody looked into the database is not stopped by the first look', async () => {
    await promoted({ answers: quiet })
    const inspectCell = { contents: { installed: ['base', 'crm', 'shop'], chosen: ['crm', 'shop'] } }
    const runId = await back({}, { answers: { inspectCell } })
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
  })

  it('with data counts what would be lost first, and puts the safety snapshot back', async () => {
    await promoted()
    const count = await countRollbackLoss(context(), tenant().caller, { project: 'shop', toBuild: 0 })
    expect(await getRollbackLoss(context(), tenant().caller, count)).toBeUndefined()
    await play(count, {
      answers: { inspectCell: { changedRows: '7', changes: [{ table: 'sale_order', rows: '7' }] } },
    })
    expect(await getRollbackLoss(context(), tenant().caller, count)).toMatchObject({
      changedRows: 7n,
      tables: [{ table: 'sale_order', rows: 7n }],
    })
    const runId = await back({ withData: true })
    expect((await tasksOf(runId)).map(({ name }) => name)).toEqual([
      'fetch-image',
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
    const [entry] = await listReleases(context(), tenant().caller, { project: 'shop', limit: 1 })
    expect(entry).toMatchObject({ kind: 'rollback', withData: true, current: true, build: 1 })
  })

  it('can be taken back by another one that names the build, and goes no further by itself', async () => {
    await promoted()
    await back({ withData: true })
    await expect(back({ withData: true })).rejects.toThrow(
      /there is nothing to go back to\. To go to one that was live later, name it: --to BUILD, of 2\./,
    )
    await back({ withData: true, toBuild: 2 })
    expect((await served()).digest).toBe(digestOf('two'))
  })

  it.each([true, false])(
    'goes further back the second time, and not forward again (with data: %s)',
    async (withData) => {
      await promoted({ answers: quiet })
      await playBuild(context(), tenant(), 'main', 'three', { answers: quiet })
      await back({ withData })
      expect(await served()).toMatchObject({ digest: digestOf('two'), buildNumber: 2 })
      await back({ withData })
      expect(await served()).toMatchObject({ digest: digestOf('one'), buildNumber: 1 })
    },
  )

  it('goes by the data that are there: what a rollback with data undid is in no way', async () => {
    await promoted({ answers: quiet })
    await playBuild(context(), tenant(), 'main', 'three', { answers: updated })
    const further = { ...wanted, toBuild: 1 }
    expect((await planRollback(context(), tenant().caller, further)).refusal).toMatch(
      /^release 3 \(build 3\)/,
    )
    await back({ withData: true })
    expect((await planRollback(context(), tenant().caller, wanted)).target?.build).toBe(1)
    expect((await planRollback(context(), tenant().caller, wanted)).refusal).toBe('')
    expect(await runOf(await back({}))).toMatchObject({ status: 'succeeded' })
    // Forward again is code that the data never met.
    const forward = await planRollback(context(), tenant().caller, { ...wanted, toBuild: 3 })
    expect(forward.refusal).toMatch(/took the data back/)
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

  it('has its host keep no room while it waits for a clone of production', async () => {
    await policy(noApprovals)
    const former = await promoted()
    const [production] = await asOwner(
      `select id from cells where stage = 'production' and project_id = $1`,
      [tenant().projectId],
    )
    const clone = JSON.stringify({ cloneCell: { sourceCellId: production?.id } })
    await asOwner(
      `insert into tasks (organization_id, run_id, step_id, host_id, key, kind, spec, timeout_ms, status)
       select r.organization_id, r.id, s.id, $2, 'clone', 'cloneCell', $3, 1000, 'leased'
       from runs r, steps s where r.id = $1 limit 1`,
      [former, tenant().hostId, clone],
    )
    const { runId } = await startRollback(context(), tenant().caller, { ...wanted, withData: true })
    await play(runId, { untilApproval: true })
    await asOwner(`update runs set cancel_cause = 'user' where id = $1`, [runId])
    await play(runId)
    expect(await runOf(runId)).toMatchObject({ status: 'cancelled' })
    expect((await tasksOf(runId)).map(({ name }) => name)).toEqual(['fetch-image'])
  })

  it('goes to any build that was live, and to no other', async () => {
    await promoted({ answers: quiet })
    await playBuild(context(), tenant(), 'main', 'three', { answers: quiet })
    expect(await planRollback(context(), tenant().caller, { ...wanted, toBuild: 1 })).toMatchObject({
      target: { build: 1 },
      current: { build: 3 },
    })
    await expect(planRollback(context(), tenant().caller, { ...wanted, toBuild: 9 })).rejects.toThrow(
      /Build 9 never went live in production\. It was: 2, 1/,
    )
    await expect(planRollback(context(), tenant().caller, { ...wanted, toBuild: 3 })).rejects.toThrow(
      /runs build 3 already/,
    )
  })

  it('waits for the approval that the policy asks for', async () => {
    await promoted()
    const withData = { ...wanted, withData: true }
    const { runId } = await startRollback(context(), tenant().caller, withData)
    await play(runId, { untilApproval: true })
    // Who asks again follows the one that waits.
    expect(await startRollback(context(), tenant().caller, withData)).toEqual({ runId, attached: true })
    await play(runId)
    const approvals = await tenant().scope((tx) =>
      tx.selectFrom('approvals').selectAll().where('run_id', '=', runId).execute(),
    )
    expect(approvals).toMatchObject([{ action: 'rollback', status: 'used' }])
    expect(JSON.parse(approvals[0]?.subject ?? '')).toMatchObject({ to: { build: 1 }, forced: false })
  })
})
