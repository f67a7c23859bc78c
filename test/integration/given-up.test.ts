import { expect, it } from 'vitest'
import { operations } from '../../server/operations/registry.ts'
import { advance } from '../../server/runs/advance.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { abandonRun } from '../../server/services/runs/stuck-runs.ts'
import { ref, useReleases } from '../support/use-releases.ts'

// What is left of production by a release that a person gives up.

const { tenant, context, play, runOf, asOwner } = useReleases()

const failed = { status: 'failed', reason: 'data-invalid', error: 'a view is broken' } as const
const dirtyCells = () =>
  asOwner('select id from cells where organization_id = $1 and dirty_since is not null', [
    tenant().organizationId,
  ])

it('is whole where the restore came through that was under way when it was given up', async () => {
  const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
  let restores = 0
  await play(runId, {
    failures: { 'apply:update': failed },
    backFails: 1,
    async duringTask(kind) {
      if (kind === 'restoreCell' && ++restores === 2)
        await abandonRun(context(), tenant().caller, { runId, reason: 'enough' })
    },
  })
  expect(restores).toBe(2)
  expect(await runOf(runId)).toMatchObject({ status: 'failed', reason: expect.stringContaining('given up') })
  expect(await dirtyCells()).toEqual([])
})

it('is between two states where no restore came through', async () => {
  const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
  await play(runId, { failures: { 'apply:update': failed, restoreCell: failed }, abandonAfter: 2 })
  expect(await runOf(runId)).toMatchObject({ status: 'failed', reason: expect.stringContaining('given up') })
  expect(await dirtyCells()).toHaveLength(1)
})

it('is served as before where only tidying up was left', async () => {
  const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
  const { organizationId } = tenant()
  let isGivenUp = false
  await play(runId, {
    async duringTask() {
      const [live] = await asOwner(`select from effects where run_id = $1 and key = 'live'`, [runId])
      if (!live || isGivenUp) return
      isGivenUp = true
      const away = `update hosts set status = 'offline', last_seen_at = now() - interval '1 hour'`
      await asOwner(`${away} where organization_id = $1`, [organizationId])
      await advance(context(), context().config, operations, { runId, organizationId })
      await abandonRun(context(), tenant().caller, { runId, reason: 'it burnt down' })
    },
  })
  expect(await runOf(runId)).toMatchObject({
    status: 'failed',
    reason: expect.stringContaining('it burnt down'),
  })
  const statuses = `select status from environments where organization_id = $1 and stage = 'production'`
  expect(await asOwner(statuses, [organizationId])).toEqual([{ status: 'running' }])
})
