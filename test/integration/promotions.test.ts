import { create } from '@bufbuild/protobuf'
import { describe, expect, it, vi } from 'vitest'
import { EnvironmentRefSchema } from '../../proto/gen/fairway/v1/environments_pb.js'
import { operations } from '../../server/operations/registry.ts'
import { advance } from '../../server/runs/advance.ts'
import { stopEnvironment } from '../../server/services/environments/environments.ts'
import { listApprovals } from '../../server/services/governance/approval-views.ts'
import { approve } from '../../server/services/governance/approvals.ts'
import { archiveProject } from '../../server/services/projects/project-archive.ts'
import { renameProject } from '../../server/services/projects/project-rename.ts'
import { listReleases } from '../../server/services/releases/history.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { requestRelease } from '../../server/services/releases/requests.ts'
import { playBuild, releaseBranch } from '../support/releases.ts'
import { digestOf, ref, useReleases } from '../support/use-releases.ts'

// From the request to the new production.

const {
  tenant,
  context,
  play,
  plan,
  runOf,
  stepsOf,
  tasksOf,
  served,
  policy,
  rehearsed,
  member,
  approvalOf,
  promoted,
} = useReleases()

describe('a request', () => {
  const note = 'the spring release'
  const request = async (planSha256 = '', caller = tenant().caller) =>
    (await requestRelease(context(), caller, { ...ref, note, planSha256 })).approval

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
    await playBuild(context(), tenant(), 'main', 'three')
    expect(await approvalOf(approval?.id)).toMatchObject({
      status: 'void',
      reason: 'production has changed since it was asked for',
    })
  })

  it('is void when the branch serves a newer commit', async () => {
    await rehearsed()
    const approval = await request()
    await playBuild(context(), tenant(), releaseBranch, 'four')
    expect(await approvalOf(approval?.id)).toMatchObject({ status: 'void' })
    expect((await approvalOf(approval?.id)).reason).toMatch(/build 3 took the place/)
  })

  it('is nobody’s to approve who pushed the commit', async () => {
    await rehearsed()
    const rita = await member('rita2', 'release-manager')
    await tenant().scope((tx) =>
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

describe('a promotion', () => {
  it('takes the same digest to production, by the approval that was given before', async () => {
    await rehearsed()
    const wanted = { ...ref, note: '', planSha256: '' }
    const { approval: asked } = await requestRelease(context(), tenant().caller, wanted)
    const rita = await member('rita3', 'release-manager')
    const vote = { approvalId: asked?.id ?? '', subjectSha256: asked?.subjectSha256 ?? '', note: '' }
    await approve(context(), rita, vote)
    const { runId } = await promoteRelease(context(), tenant().caller, {
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
      'contents',
      'fetch-image',
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
    const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
    await play(runId)
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
    expect((await tasksOf(runId)).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['clone', 'try:smoke', 'destroy', 'route-maintenance']),
    )
  })

  it('does not go on when the rehearsal is red', async () => {
    const failures = { 'apply:rehearse': { status: 'failed', reason: 'x', error: 'no such column' } } as const
    const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
    await play(runId, { failures })
    expect(await runOf(runId)).toMatchObject({ status: 'failed', reason: 'no such column' })
    expect((await tasksOf(runId)).map(({ name }) => name)).not.toContain('room')
    expect((await served()).digest).toBe(digestOf('one'))
  })

  it('that fails puts back code and data, and keeps the failed data for study', async () => {
    const failures = { 'apply:update': { status: 'failed', reason: 'x', error: 'disk quota' } } as const
    const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
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
    const [entry] = await listReleases(context(), tenant().caller, { project: 'shop', limit: 1 })
    expect(entry).toMatchObject({ kind: 'promote', putBack: true, current: false, codeKept: false })
    expect(entry?.failedSnapshotId).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('puts back even where the failed data can’t be kept', async () => {
    const broken = (error: string) => ({ status: 'failed', reason: 'x', error }) as const
    const failures = { 'apply:update': broken('no'), 'snapshot:failed': broken('the pool is full') }
    const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
    await play(runId, { failures })
    const run = await runOf(runId)
    expect(run).toMatchObject({ status: 'failed', reason: 'no' })
    expect(run.warnings.join()).toContain('the pool is full')
    expect((await tasksOf(runId)).map(({ name }) => name)).toContain('restore')
  })

  it('that waits for an approval gives way to a newer build of its branch', async () => {
    const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
    await untilWaiting(runId)
    await playBuild(context(), tenant(), releaseBranch, 'four')
    await play(runId)
    expect(await runOf(runId)).toMatchObject({ status: 'superseded' })
    expect((await served()).digest).toBe(digestOf('one'))
  })

  it('that waits is the one that who asks again follows, with its approval', async () => {
    const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
    await untilWaiting(runId)
    const wanted = { ...ref, planSha256: (await plan()).sha256 }
    const rita = await member('rita4', 'release-manager')
    expect(await promoteRelease(context(), rita, wanted)).toEqual({ runId, attached: true })
    const [asked] = await listApprovals(context(), rita, { project: 'shop', all: false, limit: 9 })
    expect(asked).toMatchObject({ runId, status: 'open' })
    const vote = { approvalId: asked?.id ?? '', subjectSha256: asked?.subjectSha256 ?? '', note: '' }
    await approve(context(), rita, vote)
    expect(await promoteRelease(context(), tenant().caller, wanted)).toEqual({ runId, attached: true })
    await play(runId)
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded', cancel_cause: null })
    expect(await approvalOf(asked?.id)).toMatchObject({ status: 'used', run_id: runId })
  })

  it('that waits is what a request of the same points to: nothing else is rehearsed or asked for', async () => {
    const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
    await untilWaiting(runId)
    const wanted = { ...ref, note: 'again', planSha256: (await plan()).sha256 }
    const asked = await requestRelease(context(), tenant().caller, wanted)
    expect(asked).toMatchObject({ runId, approval: { runId, status: 'open' } })
    const all = await listApprovals(context(), tenant().caller, { project: 'shop', all: true, limit: 9 })
    expect(all.filter(({ status }) => status === 'open')).toHaveLength(1)
  })

  it('that waits gives way to what is something else, which is asked for once as well', async () => {
    const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
    await untilWaiting(runId)
    const production = create(EnvironmentRefSchema, { project: 'shop', environment: 'production' })
    const { runId: stop } = await stopEnvironment(context(), tenant().caller, production)
    expect(stop).not.toBe(runId)
    await play(runId)
    expect(await runOf(runId)).toMatchObject({ status: 'cancelled' })
    expect(await stopEnvironment(context(), tenant().caller, production)).toEqual({
      runId: stop,
      attached: true,
    })
  })

  it.each([
    ['rename', () => renameProject(context(), tenant().caller, 'shop', 'store')],
    ['archive', () => archiveProject(context(), tenant().caller, 'shop')],
  ])('that waits for an approval gives way to who wants to %s the project', async (verb, change) => {
    const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
    await untilWaiting(runId)
    await change()
    await play(runId)
    const { status, reason } = await runOf(runId)
    expect([status, reason]).toEqual(['cancelled', expect.stringContaining(`wants to ${verb} the project`)])
    const approvals = await tenant().scope((tx) =>
      tx.selectFrom('approvals').select('status').where('run_id', '=', runId).execute(),
    )
    expect(approvals).toEqual([{ status: 'void' }])
    expect((await served()).digest).toBe(digestOf('one'))
  })

  it('does not go by a rehearsal that has become too old while it waited', async () => {
    const { runId } = await promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' })
    await untilWaiting(runId)
    await policy('rehearsal: { maxAge: 1s }\n')
    await vi.waitFor(
      async () => {
        await advance(context(), context().config, operations, {
          runId,
          organizationId: tenant().organizationId,
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

describe('what was released', () => {
  it('is listed with who, what, when and how it ended', async () => {
    await promoted()
    const entries = await listReleases(context(), tenant().caller, { project: 'shop', limit: 10 })
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
