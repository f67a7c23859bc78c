import { create } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import { BuildRefSchema } from '../../proto/gen/fairway/v1/builds_pb.js'
import { getBuild } from '../../server/services/builds/build-views.ts'
import { cancelBuild } from '../../server/services/builds/builds.ts'
import { listApprovals } from '../../server/services/governance/approval-views.ts'
import { listReleases } from '../../server/services/releases/history.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { requestRelease } from '../../server/services/releases/requests.ts'
import { startRollback } from '../../server/services/releases/rollbacks.ts'
import { reportReleases } from '../../server/services/reports/releases.ts'
import { reportRestores } from '../../server/services/reports/restores.ts'
import { playRun } from '../support/play-run.ts'
import { contentOf } from '../support/releases.ts'
import { arrangeBuild } from '../support/tenant.ts'
import { ref, useReleases } from '../support/use-releases.ts'

// What lists and reports say of runs that did not end as they were meant to.

const { tenant, context, play, promoted, rehearsed } = useReleases()
const broken = (error: string) => ({ status: 'failed', reason: 'x', error }) as const

it('names the build of a promotion that was put back, and of a rollback that was', async () => {
  await promoted()
  const { runId: back } = await startRollback(context(), tenant().caller, {
    ...{ project: 'shop', toBuild: 1, withData: true, force: false, planSha256: '' },
  })
  await play(back, { failures: { smoke: broken('answers 500') } })
  const [rollback] = await listReleases(context(), tenant().caller, { project: 'shop', limit: 1 })
  expect(rollback).toMatchObject({ kind: 'rollback', putBack: true, build: 1 })
  const report = await reportReleases(context(), tenant().caller, undefined)
  const own = report.filter(({ project }) => project === 'shop').map(({ buildNumber }) => buildNumber)
  expect(own).toEqual([1, 2, 1])
  const restores = await reportRestores(context(), tenant().caller, undefined)
  expect(restores.map(({ buildNumber }) => buildNumber)).toEqual([1, 1])
})

it('names the build of a promotion that never came to production, and of its requests', async () => {
  await rehearsed()
  await requestRelease(context(), tenant().caller, { ...ref, note: '', planSha256: '' })
  const [request] = await listApprovals(context(), tenant().caller, { project: 'shop', all: true, limit: 1 })
  expect(request).toMatchObject({ runId: '', buildNumber: 2 })
  const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
  await play(runId, { failures: { 'apply:update': broken('disk quota') } })
  const [entry] = await listReleases(context(), tenant().caller, { project: 'shop', limit: 1 })
  expect(entry).toMatchObject({ kind: 'promote', putBack: true, build: 2 })
  expect(entry?.digest).toMatch(/^sha256:/)
  const [approval] = await listApprovals(context(), tenant().caller, { project: 'shop', all: true, limit: 1 })
  expect(approval).toMatchObject({ runId, buildNumber: 2 })
  const report = await reportReleases(context(), tenant().caller, undefined)
  expect(report.at(-1)).toMatchObject({ runId, buildNumber: 2 })
})

it('says of a build that was cancelled when it was live already, that it is green and nobody cancelled it', async () => {
  const { runId, number } = await arrangeBuild(context(), tenant(), 'release/2.0')
  const build = create(BuildRefSchema, { project: 'shop', number })
  await playRun(context(), tenant(), runId, {
    answers: contentOf('five'),
    async duringTask(kind) {
      if (kind === 'switchRoute') await cancelBuild(context(), tenant().caller, build)
    },
  })
  const seen = await getBuild(context(), tenant().caller, build)
  expect(seen.reason).toBe(`${tenant().caller.actor} asked to cancel it too late: it was live already`)
})
