import { describe, expect, it } from 'vitest'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { requestRelease } from '../../server/services/releases/requests.ts'
import { arrangePolicy } from '../support/approvals.ts'
import { contentOf, playBuild, releaseBranch } from '../support/releases.ts'
import { digestOf, ref, updated, useReleases } from '../support/use-releases.ts'

// Whose word goes to production: the policy names hosts, and what others built, or left in the registry, does not.

const { tenant, context, play, plan, runOf, tasksOf, served, policy, rehearsed } = useReleases()

const ours = 'approvals: { production-deploy: none }\npromotion: { builders: [shop-host] }\n'
const others = 'approvals: { production-deploy: none }\npromotion: { builders: [build-*] }\n'

/** An answer of an agent that built it itself, as it was asked to. */
const anew = (content: string) => ({
  ...updated,
  buildImage: { ...(contentOf(content).buildImage as object), anew: true },
})
const imageTasks = async (runId: string) =>
  (await tasksOf(runId))
    .filter(({ kind }) => kind === 'buildImage')
    .map(({ spec }) => (spec as { buildImage: { anew?: boolean } }).buildImage.anew ?? false)

describe('an image that another host built', () => {
  it('is not rehearsed, requested or promoted, and the plan says whose it is', async () => {
    await policy(others)
    const [blocker] = (await plan()).blockers
    expect(blocker).toMatch(/none that a host which the policy \(promotion\.builders\) names built itself/)
    expect(blocker).toContain('(build-*): shop-host built it')
    for (const attempt of [
      () => rehearsed(),
      () => requestRelease(context(), tenant().caller, { ...ref, note: '', planSha256: '' }),
      () => promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' }),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ reason: 'release-blocked' })
    }
  })

  it('does not go live by a push either', async () => {
    await policy(others)
    const before = await served()
    const build = await playBuild(context(), tenant(), 'main', 'pushed')
    expect(await runOf(build.runId)).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/promotion\.builders/),
    })
    expect(await served()).toEqual(before)
  })

  it('is refused when the policy changes while the release is under way', async () => {
    await rehearsed()
    const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
    await play(runId, { untilApproval: true })
    await policy('promotion: { builders: [build-*] }\n')
    await play(runId)
    expect(await runOf(runId)).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/promotion\.builders/),
    })
    expect(await served()).toMatchObject({ digest: digestOf('one') })
  })
})

describe('a host that the policy names', () => {
  it('builds anew what was there before, and then its image is released', async () => {
    await policy(ours)
    // From before the policy: on layers that anybody may have left.
    expect((await plan()).blockers).toEqual([expect.stringContaining('left in the registry')])
    const build = await playBuild(context(), tenant(), releaseBranch, 'two', { answers: anew('two') })
    expect(await imageTasks(build.runId)).toEqual([true])
    expect((await plan()).blockers).toEqual([])
    await rehearsed()
    const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
    await play(runId, { answers: updated })
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
    expect(await served()).toMatchObject({ digest: digestOf('two') })
  })

  it('takes from the registry what such a host built, and nothing else', async () => {
    await policy(ours)
    await playBuild(context(), tenant(), releaseBranch, 'two', { answers: anew('two') })
    const found = { ...(contentOf('two').buildImage as object), built: false }
    const known = await playBuild(context(), tenant(), releaseBranch, 'two', {
      answers: { ...updated, buildImage: found },
    })
    expect(await imageTasks(known.runId)).toEqual([false])
    // Somebody put another image under the same key.
    const planted = { ...found, digest: digestOf('planted') }
    const build = await playBuild(context(), tenant(), releaseBranch, 'two', {
      answers: { ...updated, 'image-anew': anew('two').buildImage, buildImage: planted },
    })
    expect(await imageTasks(build.runId)).toEqual([false, true])
    expect(await served(releaseBranch)).toMatchObject({ digest: digestOf('two') })
  })

  it('is not vouched for by an agent that did not do as it was asked', async () => {
    await policy(ours)
    await playBuild(context(), tenant(), releaseBranch, 'two', { answers: updated })
    expect((await plan()).blockers).toEqual([expect.stringContaining('left in the registry')])
  })
})

it('the evidence says which hosts built it', async () => {
  await arrangePolicy(context(), tenant(), ours)
  const build = await playBuild(context(), tenant(), releaseBranch, 'two', { answers: anew('two') })
  const { manifest_sha256 } = await runOf(build.runId)
  const manifest = JSON.parse((await context().blobs.get(manifest_sha256)).toString())
  expect(manifest.imageBuilders).toMatchObject([
    { host: 'shop-host', anew: false },
    { host: 'shop-host', hostId: tenant().hostId, run: build.runId, anew: true },
  ])
  const rows = await tenant().scope((tx) =>
    tx
      .selectFrom('statements')
      .select('bundle_sha256')
      .where('run_id', '=', build.runId)
      .where('name', '=', 'provenance')
      .execute(),
  )
  const bundle = JSON.parse((await context().blobs.get(rows[0]?.bundle_sha256 ?? '')).toString())
  const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString())
  expect(statement.predicate.buildDefinition.internalParameters.builders).toEqual(manifest.imageBuilders)
})
