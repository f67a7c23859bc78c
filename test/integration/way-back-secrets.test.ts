import { expect, it } from 'vitest'
import { deleteSecret, setSecret } from '../../server/services/governance/secrets.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { playBuild, releaseBranch } from '../support/releases.ts'
import { ref, updated, useReleases } from '../support/use-releases.ts'

const { tenant, context, play, runOf, tasksOf, promoted } = useReleases()

const failed = { status: 'failed', reason: 'data-invalid', error: 'a view is broken' } as const
const key = { project: 'shop', name: 'API_KEY', scope: '' }

it('what served before is started without a secret that is deleted while production is put back', async () => {
  await setSecret(context(), tenant().caller, { ...key, value: 'a-value-of-it', rotate: false })
  await promoted()
  await playBuild(context(), tenant(), releaseBranch, 'three', { answers: updated })
  const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
  let isRestored = false
  let isDeleted = false
  await play(runId, {
    failures: { 'apply:update': failed },
    backFails: 1,
    async duringTask(kind) {
      if (kind === 'restoreCell') isRestored = true
      if (kind !== 'startRuntime' || !isRestored || isDeleted) return
      isDeleted = true
      await deleteSecret(context(), tenant().caller, key)
    },
  })
  expect(await runOf(runId)).toMatchObject({ status: 'failed', record: { restored: true } })
  const starts = (await tasksOf(runId)).filter(({ name }) => name === 'start-current')
  expect(
    starts.map(({ spec }) => {
      const { runtime } = (spec as { startRuntime: { runtime: { secrets?: { name: string }[] } } })
        .startRuntime
      return (runtime.secrets ?? []).map(({ name }) => name)
    }),
  ).toEqual([['API_KEY'], []])
})
