import { create } from '@bufbuild/protobuf'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import {
  EnvironmentPurpose,
  EnvironmentRefSchema,
  EnvironmentStatus,
} from '../../proto/gen/fairway/v1/environments_pb.js'
import { destroyExpired } from '../../server/runs/expired-environments.ts'
import { destroyGoneBranches } from '../../server/runs/gone-branches.ts'
import { getBuild } from '../../server/services/builds/build-views.ts'
import { getEnvironment } from '../../server/services/environments/environment-views.ts'
import {
  destroyEnvironment,
  startEnvironment,
  stopEnvironment,
} from '../../server/services/environments/environments.ts'
import { requireSubject } from '../../server/services/logs/log-subject.ts'
import { listBranches } from '../../server/services/projects/branches.ts'
import { planRelease } from '../../server/services/releases/release-plans.ts'
import { keepsPreviews, keptPreviews } from '../support/kept-previews.ts'
import { answers, type Play } from '../support/play-run.ts'
import { playBuild, releaseBranch } from '../support/releases.ts'
import type { ArrangedBuild } from '../support/tenant.ts'
import { useReleases } from '../support/use-releases.ts'

// What is kept of builds whose tests failed: the real engine, the agent's part is played.

const releases = useReleases({ shared: true })
const { tenant, context, play, runOf, tasksOf, policy, asOwner, served } = releases
const { forget, failing, findEnvironment, askedAfterTests, specOf, expire, destructions, audited } =
  keptPreviews(releases)

const branch = 'feature/x'
const named = (environment: string) => create(EnvironmentRefSchema, { project: 'shop', environment })
const caller = () => tenant().caller
let contents = 0
const content = () => `content ${++contents}`
const green = (of = branch) => playBuild(context(), tenant(), of, content())
const red = (of = branch, how: Play = {}) => failing(of, content(), how)
const addressOf = (name: string) => `${name}.shop.${context().config.previewDomain}`

interface Route {
  readonly environmentId: string
  readonly hostnames: readonly string[]
  readonly runtimeId: string
}
interface Start {
  readonly runtime: { readonly environmentId: string; readonly cellId: string; readonly runtimeId: string }
}

/** What serves the branch: whatever becomes of its next builds. */
let serving: ArrangedBuild
beforeAll(async () => {
  serving = await green()
  await policy(keepsPreviews)
})
beforeEach(forget)

describe('a development build whose tests fail', () => {
  it('leaves nothing where the policy keeps nothing, which it does not by itself', async () => {
    await policy('{}\n')
    onTestFinished(async () => {
      await policy(keepsPreviews)
    })
    const { runId, number } = await red()
    expect(await askedAfterTests(runId)).toEqual(['destroy'])
    expect(await findEnvironment(`failed-${number}`)).toBeUndefined()
    expect((await runOf(runId)).record).not.toHaveProperty('kept')
  })

  it('stays open at an address of its own, beside what served before, until its time is over', async () => {
    const inspectCell = { defaultPasswords: { logins: ['admin'] } }
    const { runId, number } = await red(branch, { answers: { inspectCell } })
    const name = `failed-${number}`
    expect(await askedAfterTests(runId)).toEqual(['start', 'kept-passwords', 'route'])

    const kept = await findEnvironment(name)
    expect(kept).toMatchObject({
      status: EnvironmentStatus.RUNNING,
      purpose: EnvironmentPurpose.FAILED_BUILD,
      failedRun: runId,
      failedBuild: number,
      build: number,
      branch,
      defaultLogins: ['admin'],
    })
    const hours = (Number(kept?.expiresAt?.seconds) * 1_000 - Date.now()) / 3_600_000
    expect(hours).toBeGreaterThan(23)
    expect(hours).toBeLessThanOrEqual(24)

    // Routes and runtimes are its own: those of the branch's environment are untouched.
    const route = await specOf<Route>(runId, 'route')
    const { runtime } = await specOf<Start>(runId, 'start')
    expect(route).toMatchObject({ environmentId: kept?.id, hostnames: [addressOf(name)] })
    expect(route.runtimeId).toBe(runtime.runtimeId)
    expect(runtime).toMatchObject({ environmentId: kept?.id, cellId: kept?.cell })
    expect(kept?.id).not.toBe(serving.environmentId)
    const own = await getEnvironment(context(), caller(), named(branch))
    expect(own).toMatchObject({ id: serving.environmentId, build: serving.number, name: 'feature-x' })
    expect(own.cell).not.toBe(kept?.cell)

    const run = await runOf(runId)
    expect(run).toMatchObject({
      status: 'failed',
      result: 'red',
      reason: expect.stringContaining('TestTotal'),
      warnings: [],
      record: { kept: { environment: name, environmentId: kept?.id, url: kept?.url } },
    })
    const manifest = JSON.parse((await context().blobs.get(run.manifest_sha256)).toString('utf8'))
    expect(manifest).toMatchObject({ kept: { environment: name }, deploy: null })
    expect(await getBuild(context(), caller(), { project: 'shop', number } as never)).toMatchObject({
      url: '',
      kept: { environment: name, open: true, url: kept?.url },
    })
    expect(await audited('environment.keep')).toMatchObject([{ environment: name, runId, of: 'feature-x' }])
    const subject = { case: 'build', value: { project: 'shop', number } } as never
    expect(await tenant().scope((tx) => requireSubject(tx, subject))).toEqual({ runId })
  })

  it('leaves nothing where keeping it comes upon a fault of the server', async () => {
    await asOwner(
      `alter table environments add constraint none_kept check (purpose <> 'failed-build') not valid`,
      [],
    )
    onTestFinished(async () => {
      await asOwner('alter table environments drop constraint none_kept', [])
    })
    const { runId } = await red()
    expect(await askedAfterTests(runId)).toEqual(['destroy'])
    expect(await runOf(runId)).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('TestTotal'),
    })
    const own = await getEnvironment(context(), caller(), named(branch))
    expect(own).toMatchObject({ build: serving.number, status: EnvironmentStatus.RUNNING })
  })

  it('keeps nothing of another failure', async () => {
    const failures = { 'apply:install': { status: 'failed', reason: 'data-invalid', error: 'no' } } as const
    const { runId } = await red(branch, { failures })
    expect(await askedAfterTests(runId)).toEqual(['destroy'])
  })

  it.each([
    ['does not start', { start: { status: 'failed', reason: 'unhealthy', error: 'Odoo ended' } }],
    ['gets no address', { route: { status: 'failed', reason: 'hostname-taken', error: 'taken' } }],
  ] as const)('leaves nothing, and says why, where it %s', async (_, failures) => {
    const { runId, number } = await red(branch, { failures })
    expect((await askedAfterTests(runId)).slice(-3)).toEqual(['kept-route-remove', 'remove', 'destroy'])
    const [{ error }] = Object.values(failures) as [{ error: string }]
    expect(await runOf(runId)).toMatchObject({
      reason: expect.stringContaining('TestTotal'),
      warnings: [`the preview of the failed tests was not kept: ${error}`],
    })
    expect(await findEnvironment(`failed-${number}`)).toMatchObject({ status: EnvironmentStatus.DESTROYED })
    expect((await getBuild(context(), caller(), { project: 'shop', number } as never)).kept).toBeUndefined()
    // What it said is the build's to show: nobody looks for it at an environment that is no more.
    const { runtime } = await specOf<Start & { runtime: { logStreamId: string } }>(runId, 'start')
    const subject = { case: 'build', value: { project: 'shop', number } } as never
    expect(await tenant().scope((tx) => requireSubject(tx, subject))).toEqual({
      runId,
      runtimeStreamId: runtime.logStreamId,
    })
    expect((await getEnvironment(context(), caller(), named(branch))).status).toBe(EnvironmentStatus.RUNNING)
  })

  it('leaves nothing where it is cancelled before it is open', async () => {
    const afterTask = async (kind: string) => {
      if (kind !== 'startRuntime') return
      await asOwner(
        `update runs set cancel_cause = 'user', cancelled_by = 'ana' where status = 'running'`,
        [],
      )
    }
    const { runId, number } = await red(branch, { afterTask })
    expect((await askedAfterTests(runId)).slice(-3)).toEqual(['kept-route-remove', 'remove', 'destroy'])
    expect(await findEnvironment(`failed-${number}`)).toMatchObject({ status: EnvironmentStatus.DESTROYED })
  })
})

describe('a staging build whose tests fail', () => {
  it('is proved neutral again before anything starts on it, at the address that it gets', async () => {
    const { runId, number } = await red(releaseBranch)
    const name = `failed-${number}`
    expect(await askedAfterTests(runId)).toEqual(['neutralize-and-prove', 'start', 'kept-passwords', 'route'])
    expect(await specOf(runId, 'neutralize-and-prove')).toMatchObject({ hostnames: [addressOf(name)] })
    expect(await specOf(runId, 'neutralize-as-production')).not.toMatchObject({
      hostnames: [addressOf(name)],
    })
    expect(await findEnvironment(name)).toMatchObject({ purpose: EnvironmentPurpose.FAILED_BUILD })
    const { record } = await runOf(runId)
    expect(record).toMatchObject({ neutralization: { passwords: 'reset' }, kept: { environment: name } })
  })

  it.each([
    [
      'can’t be proved neutral',
      {
        failures: {
          'neutralize-and-prove': { status: 'failed', reason: 'not-neutralized', error: 'mail' },
        },
      },
    ],
    [
      'is on the host of an agent that proves nothing by itself',
      { answers: { neutralize: { ...answers.neutralize, passwords: undefined } } },
    ],
    ['has no assertion', { answers: { neutralize: { ...answers.neutralize, assertions: [] } } }],
  ] as const)('is not opened where it %s', async (_, how) => {
    const { runId, number } = await red(releaseBranch, how as never)
    const asked = await askedAfterTests(runId)
    expect(asked).not.toContain('start')
    expect(asked).not.toContain('route')
    expect(asked.at(-1)).toBe('destroy')
    expect((await runOf(runId)).warnings.join()).toContain('was not kept')
    expect(await findEnvironment(`failed-${number}`)).toMatchObject({ status: EnvironmentStatus.DESTROYED })
  })

  it('is nothing that is released, and nothing that the branch’s name means', async () => {
    const before = await served(releaseBranch)
    const { number } = await red(releaseBranch)
    const name = `failed-${number}`
    const plan = (branch: string) => planRelease(context(), caller(), { project: 'shop', branch })
    await expect(plan(name)).rejects.toMatchObject({ reason: 'no-candidate' })
    expect((await plan(releaseBranch)).candidate).toMatchObject({ build: before.buildNumber })
    expect((await plan('')).candidate).toMatchObject({ build: before.buildNumber })
    expect((await getEnvironment(context(), caller(), named(releaseBranch))).name).toBe('release-1-0')
    const { branches } = await listBranches(context(), caller(), 'shop')
    expect(branches.find((row) => row.name === releaseBranch)?.environment).toBe('release-1-0')
  })
})

describe('what is kept', () => {
  it('goes when its time is over, in a run of its own, and nothing else does', async () => {
    const { number } = await red()
    const name = `failed-${number}`
    await destroyExpired(context())
    expect(await destructions()).toEqual([])
    await expire(name)
    await Promise.all([destroyExpired(context()), destroyExpired(context())])
    await destroyExpired(context())
    const [destruction, ...others] = await destructions()
    expect([destruction?.name, destruction?.trigger, others]).toEqual([name, 'system', []])
    const kept = await findEnvironment(name)
    await play(destruction?.id ?? '')
    expect((await tasksOf(destruction?.id ?? '')).map(({ key }) => key)).toEqual([
      'route-remove',
      expect.stringMatching(/^remove:/),
      `destroy:${kept?.cell}`,
    ])
    expect(await findEnvironment(name)).toMatchObject({ status: EnvironmentStatus.DESTROYED })
    expect((await getEnvironment(context(), caller(), named(branch))).status).toBe(EnvironmentStatus.RUNNING)
    await destroyExpired(context())
    expect(await destructions()).toHaveLength(1)
  })

  it('is destroyed again where that failed, but not at once', async () => {
    const { number } = await red()
    await expire(`failed-${number}`)
    await destroyExpired(context())
    const [first] = await destructions()
    const failures = { destroyCell: { status: 'failed', reason: 'x', error: 'busy' } } as const
    await play(first?.id ?? '', { failures })
    await destroyExpired(context())
    expect(await destructions()).toHaveLength(1)
    await asOwner(`update runs set created_at = now() - interval '61 minutes' where id = $1`, [first?.id])
    await destroyExpired(context())
    expect(await destructions()).toHaveLength(2)
  })

  it('makes room for the next build of its branch, and for no other', async () => {
    const of = 'feature/room'
    await green(of)
    const first = await red(of)
    await green('feature/other')
    await destroyExpired(context())
    expect(await destructions()).toEqual([])
    const second = await red(of)
    await destroyExpired(context())
    expect((await destructions()).map(({ name }) => name)).toEqual([`failed-${first.number}`])
    expect(await findEnvironment(`failed-${second.number}`)).toMatchObject({
      status: EnvironmentStatus.RUNNING,
    })
    await green(of)
    await destroyExpired(context())
    expect((await destructions()).map(({ name }) => name)).toEqual([
      `failed-${first.number}`,
      `failed-${second.number}`,
    ])
    expect(await audited('environment.expire')).toMatchObject([
      {
        environment: `failed-${first.number}`,
        because: `build ${second.number} of its branch takes its place`,
      },
      { environment: `failed-${second.number}` },
    ])
  })

  it('goes with the environment of its branch, whoever destroys that', async () => {
    const of = 'feature/gone'
    await green(of)
    const { number } = await red(of)
    await asOwner(`update branches set deleted_at = now(), destroy_at = now() where name = $1`, [of])
    await destroyGoneBranches(context())
    const [own, ...others] = await destructions()
    expect([own?.name, others]).toEqual(['feature-gone', []])
    await play(own?.id ?? '')
    await destroyExpired(context())
    expect((await destructions()).map(({ name }) => name)).toEqual(['feature-gone', `failed-${number}`])
  })

  it('is destroyed by whoever may destroy, and neither stopped nor started', async () => {
    const { number } = await red()
    const ref = named(`failed-${number}`)
    const refused = { reason: 'environment-kept' }
    await expect(stopEnvironment(context(), caller(), ref)).rejects.toMatchObject(refused)
    await expect(startEnvironment(context(), caller(), ref)).rejects.toMatchObject(refused)
    const { runId } = await destroyEnvironment(context(), caller(), ref, '')
    await play(runId)
    expect(await findEnvironment(`failed-${number}`)).toMatchObject({ status: EnvironmentStatus.DESTROYED })
    expect(await getBuild(context(), caller(), { project: 'shop', number } as never)).toMatchObject({
      kept: { environment: `failed-${number}`, open: false },
    })
  })

  it('is never production, whatever a server writes', async () => {
    const environment = await getEnvironment(context(), caller(), named('production'))
    const change = `update environments set purpose = 'failed-build', failed_run_id = $1, expires_at = now() where id = $2`
    await expect(asOwner(change, [(await served()).runId, environment.id])).rejects.toThrow(
      /environments_kept_is_no_production/,
    )
  })
})
