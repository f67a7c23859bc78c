import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { EnvironmentRef } from '../../proto/gen/fairway/v1/environments_pb.js'
import { operations } from '../../server/operations/registry.ts'
import { advance } from '../../server/runs/advance.ts'
import { destroyEnvironment } from '../../server/services/environments/environments.ts'
import { setPolicy } from '../../server/services/governance/policies.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { startRehearsal } from '../../server/services/releases/rehearsals.ts'
import { planRelease } from '../../server/services/releases/release-plans.ts'
import { requestRelease } from '../../server/services/releases/requests.ts'
import { planRollback } from '../../server/services/releases/rollback-plan.ts'
import { startRollback } from '../../server/services/releases/rollbacks.ts'
import { type answers, type Play, playRun } from '../support/play-run.ts'
import { createOrganization, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { contentOf, playBuild, releaseBranch } from '../support/releases.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'

// What a hostile developer, a careless release manager and an unlucky operator come upon. The agent's part is played.

let database: TestDatabase
let tenant: Tenant
let projects = 0

beforeAll(async () => {
  database = await startTestDatabase()
}, 60_000)
afterAll(() => database?.close())

beforeEach(async () => {
  const organizationId = await createOrganization(database, `edge-${++projects}`)
  tenant = await arrangeTenant(database.context, organizationId, 'shop')
  await playBuild(context(), tenant, 'main', 'one')
})

const context = () => database.context
const ref = { project: 'shop', branch: releaseBranch }
const promotion = { ...ref, planSha256: '' }
const rollback = { project: 'shop', toBuild: 0, withData: false, force: false, planSha256: '' }
const quiet = {
  applyModules: { durationMs: '9500', observation: { odooMs: '9000' } },
  startRuntime: { durationMs: '2000' },
  smoke: { checks: [{ name: 'health', passed: true, durationMs: '300' }] },
}
const broken = (error: string) => ({ status: 'failed', reason: 'x', error }) as const
const play = (runId: string, how: Play = {}) =>
  playRun(context(), tenant, runId, { lines: 0, ...how, answers: { ...quiet, ...how.answers } })
const runOf = (id: string) =>
  tenant.scope((tx) => tx.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirstOrThrow())
const tasksOf = (id: string) =>
  tenant.scope((tx) =>
    tx.selectFrom('tasks').selectAll().where('run_id', '=', id).orderBy('created_at').execute(),
  )
const approvalsOf = (runId: string) =>
  tenant.scope((tx) => tx.selectFrom('approvals').selectAll().where('run_id', '=', runId).execute())
const served = async () => (await production()).deployment as { runId: string; buildNumber: number }
const production = () =>
  tenant.scope((tx) =>
    tx.selectFrom('environments').selectAll().where('stage', '=', 'production').executeTakeFirstOrThrow(),
  )
const approvalOf = (id = '') =>
  tenant.scope((tx) => tx.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirstOrThrow())
const staging = () => playBuild(context(), tenant, releaseBranch, 'two', { answers: quiet })

async function promote(how: Play = {}): Promise<string> {
  const { runId } = await promoteRelease(context(), tenant.caller, promotion)
  await play(runId, how)
  return runId
}

/** A commit that has `shop` as it is in production, and one more module. */
function withOneMore() {
  const { resolve, ...image } = contentOf('one more') as ReturnType<typeof contentOf> & {
    resolve: typeof answers.resolve
  }
  const modules = ['shop', 'loyalty']
  const [shop] = (contentOf('one') as { resolve: typeof answers.resolve }).resolve.addons
  return {
    ...image,
    resolve: {
      ...resolve,
      stages: resolve.stages.map((stage) => ({ ...stage, modules, closure: ['base', ...modules] })),
      addons: [shop, { ...shop, name: 'loyalty', path: 'loyalty', treeId: 'a'.repeat(40) }],
    },
  }
}

describe('a rollback without data', () => {
  it('that is forced says so to who approves it, and why it had to be', async () => {
    await playBuild(context(), tenant, releaseBranch, '', { answers: { ...quiet, ...withOneMore() } })
    await promote()
    const { runId } = await startRollback(context(), tenant.caller, { ...rollback, force: true })
    await play(runId)
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
    expect((await approvalsOf(runId))[0]?.summary).toMatch(
      /with the data as they are, forced although they may not fit: loyalty was installed since/,
    )
  })

  it('goes to a release that did not name what Odoo installs by itself', async () => {
    const { resolve, ...image } = contentOf('two') as { resolve: typeof answers.resolve }
    const closure = ['base', 'bus', 'shop']
    const named = { ...resolve, stages: resolve.stages.map((stage) => ({ ...stage, closure })) }
    await playBuild(context(), tenant, releaseBranch, '', { answers: { ...quiet, ...image, resolve: named } })
    await promote()
    expect((await planRollback(context(), tenant.caller, rollback)).refusal).toBe('')
  })

  it('is refused where only a module was installed that the older image lacks', async () => {
    await playBuild(context(), tenant, releaseBranch, '', { answers: { ...quiet, ...withOneMore() } })
    expect(await runOf(await promote())).toMatchObject({ status: 'succeeded' })
    expect((await planRollback(context(), tenant.caller, rollback)).refusal).toMatch(
      /^loyalty was installed since/,
    )
    await expect(startRollback(context(), tenant.caller, rollback)).rejects.toMatchObject({
      reason: 'rollback-refused',
    })
  })
})

describe('a rollback over an update that nobody saw', () => {
  it('is refused: that no change is on record says nothing', async () => {
    await staging()
    const unseen = { odooMs: '9000', omissions: ['the database was not looked at'], schemaUnknown: true }
    await promote({ answers: { applyModules: { durationMs: '9500', observation: unseen } } })
    expect((await planRollback(context(), tenant.caller, rollback)).refusal).toMatch(/not on record/)
  })
})

describe('a promotion', () => {
  it('does not do what nobody was shown: another build got to production before it', async () => {
    await staging()
    const { runId } = await promoteRelease(context(), tenant.caller, promotion)
    // It was queued behind a build, as happens where the run that it took the place of was not the only one.
    const created_at = new Date(Date.now() + 3_600_000)
    await tenant.scope((tx) => tx.updateTable('runs').set({ created_at }).where('id', '=', runId).execute())
    await playBuild(context(), tenant, 'main', 'three', { answers: quiet })
    await play(runId)
    expect(await runOf(runId)).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/^production is not what it was/),
    })
    expect((await tasksOf(runId)).map(({ key }) => key)).toEqual(['contents:plan'])
    expect((await served()).buildNumber).toBe(3)
  })

  it('leaves an approval alone that is past its time, and asks for a new one', async () => {
    await staging()
    const rehearsal = await startRehearsal(context(), tenant.caller, ref)
    await play(rehearsal)
    const wanted = { ...promotion, note: 'one\n\nline' }
    const { approval: asked } = await requestRelease(context(), tenant.caller, wanted)
    expect(asked?.summary.endsWith(' — one line')).toBe(true)
    const id = asked?.id ?? ''
    await tenant.scope((tx) =>
      tx
        .updateTable('approvals')
        .set({ expires_at: new Date(Date.now() - 1_000) })
        .where('id', '=', id)
        .execute(),
    )
    expect(await runOf(await promote())).toMatchObject({ status: 'succeeded' })
    expect(await approvalOf(id)).toMatchObject({ status: 'expired', run_id: null })
  })

  it('takes no build for production’s that an agent resolved for staging alone', async () => {
    const two = contentOf('two')
    await playBuild(context(), tenant, releaseBranch, '', {
      answers: { ...quiet, ...two, resolve: { ...(two.resolve as object), stages: [] } },
    })
    await expect(planRelease(context(), tenant.caller, ref)).rejects.toMatchObject({
      reason: 'stage-unresolved',
      message: expect.stringContaining('build the branch again'),
    })
  })

  it('waits where the policy lets production be on another host only', async () => {
    await staging()
    const { runId } = await promoteRelease(context(), tenant.caller, promotion)
    await setPolicy(context(), tenant.caller, {
      project: 'shop',
      yaml: 'hosts: { production: [elsewhere-*] }\n',
      expectedVersion: 0,
    })
    await advance(context(), context().config, operations, {
      runId,
      organizationId: tenant.organizationId,
    })
    expect(await runOf(runId)).toMatchObject({
      status: 'queued',
      reason: expect.stringMatching(/the policy \(hosts\.production\) allows elsewhere-\*/),
    })
  })

  it('whose putting back failed leaves the data of before where somebody can still get at them', async () => {
    await staging()
    const runId = await promote({
      failures: { 'apply:update': broken('no'), restoreCell: broken('the pool is gone') },
      abandonAfter: 2,
    })
    expect((await runOf(runId)).reason).toMatch(
      /^no; putting things back was given up by member:ana: .*restoreCell had failed 2 times .*: the pool is gone/,
    )
    // Nobody plans from data between two states.
    const later = await playBuild(context(), tenant, 'main', 'three', { answers: quiet })
    expect(await runOf(later.runId)).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('fairway release restore shop'),
    })
    const kept = await tenant.scope((tx) =>
      tx
        .selectFrom('snapshots')
        .select('purpose')
        .where('run_id', '=', runId)
        .where('status', '=', 'ready')
        .execute(),
    )
    expect(kept.map(({ purpose }) => purpose).sort()).toEqual(['failed', 'safety'])
  })

  it('that is cancelled anywhere leaves production on one side, and nothing beside it', async () => {
    await staging()
    const ended: string[] = []
    for (let cancelAfter = 0; ended.at(-1) !== 'succeeded'; cancelAfter++) {
      const { runId } = await promoteRelease(context(), tenant.caller, promotion)
      await play(runId, { cancelAfter })
      const { status } = await runOf(runId)
      ended.push(status)
      const tasks = await tasksOf(runId)
      const done = (key: string) =>
        tasks.some((task) => task.key.startsWith(key) && task.status === 'succeeded')
      const at = `cancelled after ${cancelAfter}: ${tasks.map(({ key, status }) => `${key} ${status}`).join()}`
      expect((await served()).runId === runId, at).toBe(done('route:'))
      expect(await clonesLeft(), at).toEqual([])
      if (done('route:')) continue
      expect(done('route-current'), at).toBe(done('route-maintenance'))
      expect(done('restore:'), at).toBe(done('snapshot:safety'))
    }
    expect(ended.length).toBeGreaterThan(15)
    expect(new Set(ended)).toEqual(new Set(['cancelled', 'succeeded']))
  }, 120_000)
})

const clonesLeft = () =>
  tenant.scope((tx) =>
    tx
      .selectFrom('cells')
      .select('id')
      .where('project_id', '=', tenant.projectId)
      .where('purpose', '=', 'rehearsal')
      .where('status', '<>', 'destroyed')
      .execute(),
  )

describe('the destruction of production', () => {
  it('is approved for its own cells: a clone of a rehearsal is none of them', async () => {
    const { id, cell_id, host_id } = await production()
    await tenant.scope((tx) =>
      tx
        .insertInto('cells')
        .values({
          organization_id: tenant.organizationId,
          project_id: tenant.projectId,
          host_id: host_id ?? '',
          environment_id: id,
          stage: 'staging',
          purpose: 'rehearsal',
        })
        .execute(),
    )
    const ref = { project: 'shop', environment: 'production' } as EnvironmentRef
    const { runId } = await destroyEnvironment(context(), tenant.caller, ref, 'production')
    await play(runId)
    const [approval] = await approvalsOf(runId)
    expect(JSON.parse(approval?.subject ?? '')).toMatchObject({ cells: [cell_id] })
  })
})
