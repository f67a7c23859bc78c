import { create } from '@bufbuild/protobuf'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Stage } from '../../proto/gen/fairway/v1/common_pb.js'
import {
  EnvironmentPurpose,
  EnvironmentRefSchema,
  EnvironmentStatus,
} from '../../proto/gen/fairway/v1/environments_pb.js'
import { destroyExpired } from '../../server/runs/expired-environments.ts'
import { destroyEnvironment } from '../../server/services/environments/environments.ts'
import { openFailed } from '../../server/services/environments/open-failed.ts'
import { archiveProject } from '../../server/services/projects/project-archive.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { planRelease } from '../../server/services/releases/release-plans.ts'
import { startRollback } from '../../server/services/releases/rollbacks.ts'
import { listDataSnapshots } from '../../server/services/releases/snapshots.ts'
import { keptPreviews } from '../support/kept-previews.ts'
import { answers, type Play } from '../support/play-run.ts'
import { contentOf, playBuild } from '../support/releases.ts'
import { digestOf, ref, updated, useReleases } from '../support/use-releases.ts'

// A copy of what a failed update of production left: the real engine, the agent's part is played.

const releases = useReleases({ shared: true })
const { arrange, tenant, context, play, runOf, stepsOf, tasksOf, member, policy, asOwner, promoted } =
  releases
const { forget, findEnvironment, specOf, expire, destructions, audited } = keptPreviews(releases)

const caller = () => tenant().caller
const imageOf = (content: string) => `registry.example/acme/shop@${digestOf(content)}`
const failing: Play = {
  failures: { 'apply:update': { status: 'failed', reason: 'update-failed', error: 'no such column' } },
}

let failed: string
/** Production runs `one`; its update to `two` failed. */
async function failUpdate(): Promise<void> {
  const { runId } = await promoteRelease(context(), caller(), { ...ref, planSha256: '' })
  await play(runId, failing)
  expect(await runOf(runId)).toMatchObject({ status: 'failed', record: { restored: true } })
  failed = runId
}
beforeAll(failUpdate)

const open = (more: Partial<Parameters<typeof openFailed>[2]> = {}, who = caller()) =>
  openFailed(context(), who, { runId: failed, code: 'before', lifetimeSeconds: 0, ...more })
const name = () => `failed-${failed.slice(0, 8)}`
const named = (environment: string) => create(EnvironmentRefSchema, { project: 'shop', environment })

const hoursLeft = async () =>
  (Number((await findEnvironment(name()))?.expiresAt?.seconds) * 1_000 - Date.now()) / 3_600_000

async function opened(more: Parameters<typeof open>[0] = {}, how: Play = {}): Promise<string> {
  const { runId } = await open(more)
  await play(runId, how)
  return runId
}

interface Start {
  readonly runtime: {
    readonly image: string
    readonly environmentId: string
    readonly stage: string
    readonly variables?: Record<string, string>
    readonly workers?: number
  }
}

describe('what a failed update left', () => {
  let runId: string
  let asked: Awaited<ReturnType<typeof open>>
  beforeAll(async () => {
    asked = await open()
    runId = asked.runId
    await play(runId)
  })

  it('is copied, made neutral by what served before and by what failed, proved, and only then started', async () => {
    expect(asked).toEqual({ runId, attached: false, project: 'shop', environment: name() })
    const tasks = await tasksOf(runId)
    expect(tasks.map((task) => task.name)).toEqual([
      'clone',
      'fetch-image',
      'neutralize-as-production',
      'fetch-image',
      'neutralize-and-prove',
      'start',
      'route',
    ])
    expect(await specOf(runId, 'neutralize-as-production')).toMatchObject({ image: imageOf('one') })
    expect(await specOf(runId, 'neutralize-and-prove')).toMatchObject({ image: imageOf('two') })
    expect((await specOf<Start>(runId, 'start')).runtime).toMatchObject({ image: imageOf('one') })
    expect((await stepsOf(runId)).map((step) => [step.name, step.status])).toEqual([
      ['database', 'succeeded'],
      ['deploy', 'succeeded'],
      ['record', 'succeeded'],
    ])
  })

  it('is read from the snapshot that is kept, and no task of it is about production', async () => {
    const { snapshotId } = (await runOf(runId)).input as { snapshotId: string }
    expect((await runOf(failed)).record).toMatchObject({ failedSnapshotId: snapshotId })
    const clone = await specOf<Record<string, unknown>>(runId, 'clone')
    const environment = await findEnvironment(name())
    expect(clone).toMatchObject({
      sourceSnapshotId: snapshotId,
      environmentId: environment?.id,
      stage: 'CELL_STAGE_STAGING',
    })
    const production = await findEnvironment('production')
    for (const { kind, spec, authorization_id } of await tasksOf(runId)) {
      expect(authorization_id, kind).toBeNull()
      const text = JSON.stringify(spec)
      expect(text, kind).not.toContain(production?.id)
      expect(text, kind).not.toContain(production?.cell)
      if (kind !== 'cloneCell') expect(text, kind).not.toContain(snapshotId)
    }
    const [snapshot] = await asOwner('select status from snapshots where id = $1', [snapshotId])
    expect(snapshot).toMatchObject({ status: 'ready' })
  })

  it('has an environment of its own, which is staging’s kind and expires', async () => {
    const environment = await findEnvironment(name())
    expect(environment).toMatchObject({
      stage: Stage.STAGING,
      status: EnvironmentStatus.RUNNING,
      purpose: EnvironmentPurpose.FAILED_UPDATE,
      failedRun: failed,
      failedBuild: 0,
    })
    expect(await specOf(runId, 'route')).toMatchObject({
      environmentId: environment?.id,
      hostnames: [`${name()}.shop.${context().config.previewDomain}`],
    })
    const hours = await hoursLeft()
    expect(hours).toBeGreaterThan(3.9)
    expect(hours).toBeLessThanOrEqual(4)
    const plan = planRelease(context(), caller(), { project: 'shop', branch: name() })
    await expect(plan).rejects.toMatchObject({ reason: 'no-candidate' })
  })

  it('is on record: who opened it, what was copied, and how it was proved', async () => {
    const run = await runOf(runId)
    const { snapshotId } = run.input as { snapshotId: string }
    expect(run).toMatchObject({
      kind: 'study',
      result: 'green',
      record: {
        studied: { runId: failed, snapshotId, code: 'before', image: imageOf('one') },
        kept: { environment: name() },
        clone: { source: 'production', sourceId: snapshotId },
        neutralizedAsProduction: { image: imageOf('one') },
        neutralization: { passwords: 'reset' },
      },
    })
    const statements = await asOwner('select name from statements where run_id = $1 order by name', [runId])
    expect(statements.map((row) => row.name)).toEqual(['clone', 'run'])
    expect(await audited('environment.open-failed')).toMatchObject([
      { environment: name(), run: runId, failedRun: failed, snapshotId, code: 'before' },
    ])
  })
})

describe('what is opened', () => {
  beforeEach(forget)

  it('runs the code that failed where that is asked for, and for the time that is asked for', async () => {
    const runId = await opened({ code: 'failed', lifetimeSeconds: 3_600 })
    expect((await specOf<Start>(runId, 'start')).runtime).toMatchObject({ image: imageOf('two') })
    expect(await specOf(runId, 'neutralize-as-production')).toMatchObject({ image: imageOf('one') })
    const hours = await hoursLeft()
    expect(hours).toBeGreaterThan(0.9)
    expect(hours).toBeLessThanOrEqual(1)
  })

  it('runs with the variables of staging, never with those of production', async () => {
    const { resolve } = answers
    const config = {
      ...resolve.config,
      production: { ...resolve.config.production, variables: { BANK: 'the real one' }, workers: 4 },
      staging: { ...resolve.config.staging, variables: { BANK: 'sandbox' } },
    }
    const production = (content: string, how: Play = {}) =>
      playBuild(context(), tenant(), 'main', content, {
        ...how,
        answers: { ...updated, resolve: { ...(contentOf(content).resolve as object), config } },
      })
    await production('aa')
    const build = await production('bb', failing)
    const { runId, environment } = await open({
      runId: '',
      build: { project: 'shop', number: build.number } as never,
    })
    expect(environment).toBe(`failed-${build.number}`)
    await play(runId)
    const { runtime } = await specOf<Start>(runId, 'start')
    expect(runtime.variables).toEqual({ BANK: 'sandbox' })
    expect(runtime.workers ?? 0).toBe(0)
  })

  it('is what whoever asks again gets, while it is being opened and afterwards', async () => {
    const { runId } = await open()
    expect(await open()).toMatchObject({ runId, attached: true, environment: name() })
    await play(runId)
    expect(await open()).toMatchObject({ runId, attached: true })
    await expect(open({ code: 'failed' })).rejects.toMatchObject({ reason: 'already-open' })
  })

  it('goes when its time is over, and can be opened again', async () => {
    await opened()
    await expire(name())
    await expect(open()).rejects.toMatchObject({ reason: 'already-open' })
    await destroyExpired(context())
    await destroyExpired(context())
    const [destruction, ...others] = await destructions()
    expect([destruction?.name, others]).toEqual([name(), []])
    await play(destruction?.id ?? '')
    expect(await findEnvironment(name())).toMatchObject({ status: EnvironmentStatus.DESTROYED })
    expect(await open()).toMatchObject({ attached: false })
  })

  it('is not opened any further when its time is over meanwhile', async () => {
    const { runId } = await open()
    await expire(name())
    await destroyExpired(context())
    expect(await destructions()).toEqual([])
    await play(runId)
    expect(await runOf(runId)).toMatchObject({ status: 'cancelled' })
    await destroyExpired(context())
    await destroyExpired(context())
    const [destruction] = await destructions()
    await play(destruction?.id ?? '')
    expect(await findEnvironment(name())).toMatchObject({ status: EnvironmentStatus.DESTROYED })
  })
})

describe('nothing is opened', () => {
  beforeEach(forget)

  it.each([
    [
      'that is not proved neutral',
      {
        failures: { 'neutralize-and-prove': { status: 'failed', reason: 'not-neutralized', error: 'mail' } },
      },
      (): string => 'mail',
    ],
    [
      'on the word of an agent that proves nothing by itself',
      { answers: { neutralize: { ...answers.neutralize, passwords: undefined } } },
      (): string => 'it is a copy of production that is not proved neutral',
    ],
    [
      'that does not start',
      { failures: { start: { status: 'failed', reason: 'unhealthy', error: 'Odoo ended' } } },
      (): string => `Odoo ended; with the other code: fairway env open --failed ${failed} --code failed`,
    ],
  ] as const)('%s, and nothing of it is left', async (_, how, reason) => {
    const runId = await opened({}, how as never)
    expect(await runOf(runId)).toMatchObject({ status: 'failed', result: 'red', reason: reason() })
    const names = (await tasksOf(runId)).map((task) => task.name)
    expect(names).not.toContain('route')
    expect(names.slice(-2)).toEqual(['route-remove', 'destroy'])
    expect(await findEnvironment(name())).toMatchObject({ status: EnvironmentStatus.DESTROYED })
    // And so it can be tried again.
    expect(await open({ code: 'failed' })).toMatchObject({ attached: false, environment: name() })
  })

  it('of a run that left nothing, by somebody who may not, or for another time than there is', async () => {
    const [green] = await asOwner(
      `select id from runs where organization_id = $1 and status = 'succeeded' order by created_at limit 1`,
      [tenant().organizationId],
    )
    await expect(open({ runId: green?.id as string })).rejects.toMatchObject({ reason: 'nothing-kept' })
    await expect(open({ runId: '' })).rejects.toMatchObject({ reason: 'invalid-run' })
    const developer = await member('dana', 'developer')
    const auditor = { ...developer, access: { ...developer.access, role: 'auditor' as const } }
    await expect(open({}, auditor)).rejects.toMatchObject({ reason: 'permission-denied' })
    await expect(open({ lifetimeSeconds: 60 })).rejects.toMatchObject({ reason: 'invalid-lifetime-seconds' })
    await expect(open({ lifetimeSeconds: 80 * 3_600 })).rejects.toMatchObject({
      reason: 'invalid-lifetime-seconds',
    })
    expect(await open({}, developer)).toMatchObject({ attached: false })
  })
})

// Each with a project of its own, of which little is left.
describe('what a failed update left is not for ever', () => {
  beforeEach(async () => {
    await arrange()
    await failUpdate()
  })

  it('is made neutral by the image that updated it also where a restore kept it', async () => {
    await promoted()
    await playBuild(context(), tenant(), ref.branch, 'three', { answers: updated })
    const { runId: lost } = await promoteRelease(context(), caller(), { ...ref, planSha256: '' })
    const stuck = {
      ...failing.failures,
      restoreCell: { status: 'failed', reason: 'x', error: 'no room' },
    } as const
    await play(lost, { failures: stuck, abandonAfter: 2 })
    const [ofRelease] = (await listDataSnapshots(context(), caller(), 'shop')).filter(
      ({ release }) => release > 0,
    )
    const back = { project: 'shop', toBuild: 0, withData: false, force: false, planSha256: '' }
    const { runId } = await startRollback(context(), caller(), { ...back, snapshotId: ofRelease?.id ?? '' })
    await play(runId)
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
    const study = await opened({ runId, code: 'failed' })
    expect(await specOf(study, 'neutralize-as-production')).toMatchObject({ image: imageOf('two') })
    expect(await specOf(study, 'neutralize-and-prove')).toMatchObject({ image: imageOf('three') })
    expect(await specOf<Start>(study, 'start')).toMatchObject({ runtime: { image: imageOf('three') } })
  })

  it('opens nothing once the data’s time is over, on a host that may hold no copies, or in a project that is archived', async () => {
    await policy('hosts: { staging: [other] }\n')
    await expect(open()).rejects.toMatchObject({ reason: 'host-not-allowed' })
    await asOwner(`update snapshots set expires_at = now() - interval '1 minute' where run_id = $1`, [failed])
    await expect(open()).rejects.toMatchObject({ reason: 'kept-data-gone' })
    await archiveProject(context(), caller(), 'shop')
    await expect(open()).rejects.toMatchObject({ reason: 'project-archived' })
  })

  it('goes with production, and not with a release of it', async () => {
    await opened()
    await promoted()
    await destroyExpired(context())
    expect(await destructions()).toEqual([])
    const { runId } = await destroyEnvironment(context(), caller(), named('production'), 'production')
    await play(runId)
    await destroyExpired(context())
    expect((await destructions()).map((row) => row.name)).toEqual(['production', name()])
  })
})
