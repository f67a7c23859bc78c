import { beforeEach, expect, test } from 'vitest'
import { operation } from '../../server/db/tenancy.ts'
import { expireTasks } from '../../server/fleet/expiry.ts'
import type { Caller } from '../../server/governance/authorize.ts'
import { runKinds } from '../../server/operations/kinds.ts'
import { operations } from '../../server/operations/registry.ts'
import { releaseActions } from '../../server/operations/steps/release.ts'
import { advance } from '../../server/runs/advance.ts'
import { type RunOperations, runOperation } from '../../server/runs/operation.ts'
import { type BuildActions, RunCancelled, TaskFailed } from '../../server/runs/types.ts'
import { getRun } from '../../server/services/builds/runs.ts'
import { abandonRun } from '../../server/services/runs/stuck-runs.ts'
import { useEngine } from '../support/use-engine.ts'

// Runs whose host is away for good can be ended all the same.

const engine = useEngine()
const { asOwner, context, createEnvironment, createRun, advanceRun, runOf, tasksOf, succeed, set } = engine

beforeEach(() => asOwner(`update hosts set status = 'online', last_seen_at = now()`))

const build = async (run: BuildActions) => {
  const cellId = await run.newCell()
  try {
    await run.step('database', () => run.createCell(cellId))
    await run.step('deploy', () => run.fetchImage('runtime', 'registry/odoo'))
  } catch (failure) {
    await run.always(() => run.destroyCell(cellId))
    throw failure
  }
  await run.always(() => run.pruneSnapshots())
}
const lease = (runId: string) =>
  set(
    'tasks',
    `status = 'leased', epoch = 1, started_at = now(), lease_until = now() - interval '1 minute'`,
    runId,
  )
const goAway = () => asOwner(`update hosts set status = 'offline', last_seen_at = now() - interval '1 hour'`)
const cancel = (runId: string) => set('runs', `cancel_cause = 'user', cancelled_by = 'member:ana'`, runId)
const statusOf = async (runId: string, key: string) =>
  ((await tasksOf(runId)).find((task) => task.key.startsWith(key)) as { status?: string } | undefined)?.status

test('a cancelled run ends while its host is away, and says what is left there; the next build removes it', async () => {
  const at = await createEnvironment()
  const runId = await createRun(at)
  await advanceRun(runId, build)
  await succeed(runId, 'create:', { createCell: {} })
  await advanceRun(runId, build)
  await asOwner(
    `update tasks set status = 'leased', epoch = 1, started_at = now(), lease_until = now() - interval '1 minute'
     where run_id = $1 and status = 'queued'`,
    [runId],
  )
  await goAway()
  await cancel(runId)
  await advanceRun(runId, build)
  await expireTasks(context())
  await advanceRun(runId, build)
  expect(await statusOf(runId, 'destroy:')).toBe('queued')
  await expireTasks(context())
  await advanceRun(runId, build)
  const [cell] = await asOwner('select id, status from cells where environment_id = $1', [at.environmentId])
  const run = await runOf(runId)
  expect(run).toMatchObject({ status: 'cancelled' })
  expect(run?.reason).toContain(`the host one is away: its cell ${cell?.id} is left there`)

  await asOwner(`update hosts set status = 'online', last_seen_at = now()`)
  const next = await createRun(at)
  await advanceRun(next, build)
  await succeed(next, 'create:', { createCell: {} })
  await advanceRun(next, build)
  await succeed(next, 'fetch-image:', { fetchImage: {} })
  await advanceRun(next, build)
  await succeed(next, `destroy:${cell?.id}`, { destroyCell: {} })
  await advanceRun(next, build)
  expect((await asOwner('select status from cells where id = $1', [cell?.id]))[0]).toEqual({
    status: 'destroyed',
  })
})

const rehearsals: RunOperations = {
  ...operations,
  rehearse: runOperation(
    runKinds.rehearse,
    (run) =>
      run.step('rehearse', async () => {
        const cellId = await run.newScratchCell()
        try {
          await run.fetchImage('rehearse', 'registry/odoo')
        } finally {
          await run.always(() => run.destroyCell(cellId))
        }
      }),
    releaseActions,
  ),
}
const advanceRehearsal = (runId: string) =>
  advance(context(), context().config, rehearsals, { runId, organizationId: engine.organizationId() })

test.each(['production', 'development'])(
  'a rehearsal’s clone that was left on a host goes with the next build of %s there',
  async (stage) => {
    const at = await createEnvironment(undefined, 'main', 'production')
    const begin = async () => {
      const runId = await createRun(at, { kind: 'rehearse', stage: 'production' })
      await advanceRehearsal(runId)
      return runId
    }
    const cells = () =>
      asOwner('select id, status from cells where environment_id = $1 order by created_at', [
        at.environmentId,
      ])
    const left = await begin()
    await goAway()
    await cancel(left)
    for (let round = 0; round < 3; round++) {
      await advanceRehearsal(left)
      await expireTasks(context())
    }
    await advanceRehearsal(left)
    const ended = await runOf(left)
    expect(ended).toMatchObject({ status: 'cancelled', reason: expect.stringContaining('is left there') })
    await asOwner(`update hosts set status = 'online', last_seen_at = now()`)
    await begin()
    const [clone, used] = await cells()
    expect([clone?.status, used?.status]).toEqual(['retired', 'making'])

    const next =
      stage === 'production' ? at : await createEnvironment(at.projectId, 'feature-a', 'development')
    const prune = (run: BuildActions) => run.step('deploy', () => run.pruneSnapshots())
    const runId = await createRun(next, { stage })
    await advanceRun(runId, prune)
    await succeed(runId, `destroy:${clone?.id}`, { destroyCell: {} })
    await advanceRun(runId, prune)
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded' })
    expect((await cells()).map(({ status }) => status)).toEqual(['destroyed', 'making'])
  },
)

test('a host that is only restarting is waited for', async () => {
  const runId = await createRun(await createEnvironment())
  await advanceRun(runId, build)
  await succeed(runId, 'create:', { createCell: {} })
  await cancel(runId)
  await advanceRun(runId, build)
  await asOwner(`update hosts set status = 'offline', last_seen_at = now()`)
  await expireTasks(context())
  expect(await statusOf(runId, 'destroy:')).toBe('queued')
})

const back = async (run: BuildActions) => {
  try {
    await run.step('database', () => run.fetchImage('new', 'registry/odoo'))
  } catch (failure) {
    if (failure instanceof TaskFailed || failure instanceof RunCancelled)
      await run.always(() => run.fetchImage('former', 'registry/odoo'))
    throw failure
  }
}
const createRelease = async () =>
  await createRun(await createEnvironment(undefined, 'main', 'production'), { stage: 'production' })

test('production’s way back waits for its host', async () => {
  const runId = await createRelease()
  await advanceRun(runId, back)
  await cancel(runId)
  await advanceRun(runId, back)
  await goAway()
  await expireTasks(context())
  expect(await statusOf(runId, 'fetch-image:former')).toBe('queued')
  await lease(runId)
  await expireTasks(context())
  expect(await statusOf(runId, 'fetch-image:former')).toBe('leased')
  expect(await runOf(runId)).toMatchObject({ status: 'running' })
})

test('what waits for production’s host says so, and can be given up', async () => {
  const runId = await createRelease()
  await advanceRun(runId, back)
  await cancel(runId)
  await advanceRun(runId, back)
  await goAway()
  await advanceRun(runId, back)
  const waits = { kind: 'putting-back', task: 'fetchImage', error: 'the host one is away', attempts: 0 }
  expect(await runOf(runId)).toMatchObject({ status: 'running', trouble: waits })
  const owner: Caller = {
    ...operation(engine.organizationId(), 'member:ana'),
    access: { role: 'owner', projects: 'all', projectRoles: new Map(), scopes: [] },
  }
  const { reason } = await getRun(context(), owner, { runId })
  expect(reason).toMatch(
    /^the run waits at fetchImage since .*: the host one is away; it goes on once the host is back.*run abandon/,
  )
  await asOwner(`update hosts set status = 'online', last_seen_at = now()`)
  await advanceRun(runId, back)
  expect(await runOf(runId)).toMatchObject({ status: 'running', trouble: null })
  await goAway()
  await advanceRun(runId, back)
  await abandonRun(context(), owner, { runId, reason: 'it burnt down' })
  await advanceRun(runId, back)
  expect(await runOf(runId)).toMatchObject({
    status: 'failed',
    reason: expect.stringMatching(/it burnt down. fetchImage had waited since .*: the host one is away/),
  })
})

test('a run that waits for its host on its way back is timed out all the same', async () => {
  const runId = await createRun(await createEnvironment())
  await advanceRun(runId, build)
  await engine.endTask(runId, 'create:', { status: 'failed', error: 'no room' })
  await advanceRun(runId, build)
  await goAway()
  await advanceRun(runId, build)
  expect((await runOf(runId))?.trouble).toMatchObject({ attempts: 0, task: 'destroyCell' })
  await set('runs', `timeout_at = now() - interval '1 minute'`, runId)
  await advanceRun(runId, build)
  expect(await runOf(runId)).toMatchObject({ cancel_cause: 'timeout' })
  await expireTasks(context())
  await advanceRun(runId, build)
  expect((await runOf(runId))?.status).not.toBe('running')
})
