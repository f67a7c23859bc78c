import { describe, expect, it } from 'vitest'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { getRehearsal } from '../../server/services/releases/rehearsals.ts'
import { planRelease } from '../../server/services/releases/release-plans.ts'
import { contentOf, playBuild, releaseBranch } from '../support/releases.ts'
import { arrangeBuild } from '../support/tenant.ts'
import { digestOf, ref, updated, useReleases } from '../support/use-releases.ts'

// What a release would do, and what trying it shows.

const { tenant, context, plan, runOf, tasksOf, served, policy, rehearsed } = useReleases()

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
    expect((await plan()).hints.join('\n')).toMatch(
      /release rehearses it first; .*: fairway release rehearse shop release\/1\.0/,
    )
    expect((await plan()).hints.join('\n')).toMatch(/merge release\/1\.0 into main/)
  })

  it('says that production is frozen before anybody is asked, and is the same plan', async () => {
    const { sha256, hints } = await plan()
    expect(hints.join('\n')).not.toContain('frozen')
    await policy('freeze: {windows: [{name: year end, days: [mon, tue, wed, thu, fri, sat, sun]}]}\n')
    const frozen = await plan()
    expect(frozen.hints[0]).toMatch(/^production is frozen until .* UTC \(freeze "year end"\)/)
    expect(frozen.sha256).toBe(sha256)
  })

  it('is the same while nothing changes, and another when production does', async () => {
    const before = (await plan()).sha256
    expect((await plan()).sha256).toBe(before)
    await playBuild(context(), tenant(), 'main', 'three')
    expect((await plan()).sha256).not.toBe(before)
  })

  it('shows variables that change, and releases them though the image is the same', async () => {
    const { resolve } = contentOf('two')
    const variables = { RUNNING_ENV: 'prod', SMTP_HOST: 'smtp.example' }
    const config = { production: { workers: 2, variables }, staging: { workers: 0 } }
    await playBuild(context(), tenant(), 'main', 'two')
    await playBuild(context(), tenant(), releaseBranch, 'two', {
      answers: { resolve: { ...resolve!, commit: 'e'.repeat(40), config } },
    })
    const { requirements, blockers, interrupts } = await plan()
    expect(blockers).toEqual([])
    expect(interrupts).toBe(false)
    expect(requirements.map(({ kind, name, after }) => ({ kind, name, after }))).toEqual([
      { kind: 'variable', name: 'RUNNING_ENV', after: 'prod' },
      { kind: 'variable', name: 'SMTP_HOST', after: 'smtp.example' },
    ])
  })

  it('says so where there is nothing to release', async () => {
    await playBuild(context(), tenant(), 'main', 'two')
    expect((await plan()).blockers).toEqual(['production runs this image already'])
    await expect(
      promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' }),
    ).rejects.toMatchObject({
      reason: 'release-blocked',
    })
  })

  it('names a branch that has nothing to release', async () => {
    const of = (branch: string) => planRelease(context(), tenant().caller, { project: 'shop', branch })
    await expect(of('release/9')).rejects.toMatchObject({ reason: 'no-candidate' })
    await expect(of('main')).rejects.toThrow(/only what staging has tried/)
    await playBuild(context(), tenant(), 'release/2.0', 'other')
    await expect(of('')).rejects.toMatchObject({ reason: 'candidate-unclear' })
  })
})

describe('a rehearsal', () => {
  it('runs the update on a scratch clone that goes with it, and touches nothing of production', async () => {
    const runId = await rehearsed({ answers: updated })
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded', result: 'yellow' })
    const tasks = await tasksOf(runId)
    expect(tasks.map(({ name }) => name)).toEqual([
      'contents',
      'fetch-image',
      'clone',
      'fetch-image',
      'neutralize-as-production',
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
    expect(JSON.stringify(tasks[2]?.spec)).toContain('CELL_STAGE_STAGING')
    expect(await getRehearsal(context(), tenant().caller, { runId, project: '', branch: '' })).toMatchObject({
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
    expect(await getRehearsal(context(), tenant().caller, { runId, project: '', branch: '' })).toMatchObject({
      verdict: 'red',
      reasons: ['KeyError: tier'],
    })
    expect((await plan()).rehearsal).toBeUndefined()
    const [environment] = await tenant().scope((tx) =>
      tx.selectFrom('environments').select('status').where('stage', '=', 'production').execute(),
    )
    expect(environment?.status).toBe('running')
  })

  it('shows what its update did, though what came of it does not start', async () => {
    const failures = { 'try:smoke': { status: 'failed', reason: 'smoke', error: 'answers 500' } } as const
    const runId = await rehearsed({ answers: updated, failures })
    expect(await getRehearsal(context(), tenant().caller, { runId, project: '', branch: '' })).toMatchObject({
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
  const build = await arrangeBuild(context(), tenant(), 'main')
  await tenant().scope((tx) =>
    tx.updateTable('runs').set({ status: 'running' }).where('id', '=', build.runId).execute(),
  )
}
