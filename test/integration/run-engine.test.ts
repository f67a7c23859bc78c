import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Deployment } from '../../server/db/record.ts'
import { expireTasks } from '../../server/fleet/expiry.ts'
import { release } from '../../server/operations/parts/production.ts'
import { serve } from '../../server/operations/parts/serve.ts'
import { createPlan } from '../../server/releases/plan.ts'
import type { Source } from '../../server/releases/source.ts'
import type { BuildActions } from '../../server/runs/types.ts'
import { useEngine } from '../support/use-engine.ts'

const {
  context,
  asOwner,
  hostId,
  organizationId,
  insert,
  createEnvironment,
  createRun,
  advanceRun,
  tasksOf,
  kindsOf,
  runOf,
  environmentOf,
  endTask,
  succeed,
  set,
} = useEngine()

const source: Source = {
  commit: 'c0ffee',
  baseImage: '127.0.0.1:5000/fairway/odoo',
  imageKey: '',
  modules: ['sale'],
  closure: ['sale'],
  baseModules: [],
  addonTrees: {},
  renamed: {},
  addonDepends: {},
  buildNumber: 1,
  lockSha256: '',
  addonVersions: {},
  requirements: { python: {}, apt: {} },
  neutralizedModules: [],
  demo: false,
  testTags: '',
  workers: 1,
  variables: {},
  resources: { memoryBytes: 1, milliCpus: 1, maxProcesses: 1 },
  smokeChecks: [],
  knownLog: [],
  branchRules: [],
}

/** A build in miniature: one cell made, and destroyed again when something fails. */
const tinyBuild = async (run: BuildActions) => {
  const cellId = await run.newCell()
  try {
    await run.step('database', () => run.createCell(cellId))
    await run.step('deploy', () =>
      run.applyModules(cellId, 'image', { install: ['a'], update: [] }, { key: 'a' }),
    )
  } catch (failure) {
    await run.always(() => run.destroyCell(cellId))
    throw failure
  }
}

describe('replay', () => {
  it('asks for each task once, however often and by however many servers it is advanced', async () => {
    const at = await createEnvironment()
    const runId = await createRun(at)
    await Promise.all(Array.from({ length: 10 }, () => advanceRun(runId, tinyBuild)))
    expect(await kindsOf(runId)).toEqual(['create'])
    await succeed(runId, 'create', { createCell: {} })
    await Promise.all(Array.from({ length: 10 }, () => advanceRun(runId, tinyBuild)))
    expect(await kindsOf(runId)).toEqual(['create', 'apply'])
    const cells = await asOwner('select id from cells where environment_id = $1', [at.environmentId])
    expect(cells).toHaveLength(1)
    await succeed(runId, 'apply', { applyModules: {} })
    await advanceRun(runId, tinyBuild)
    expect(await runOf(runId)).toMatchObject({ status: 'succeeded', result: 'green', advance_at: null })
  })

  it('ends with a manifest that is stored by its hash', async () => {
    const runId = await createRun(await createEnvironment())
    await advanceRun(runId, async (run) => run.step('resolve', async () => run.warn('mind the gap')))
    const run = await runOf(runId)
    expect(run).toMatchObject({ status: 'succeeded', result: 'yellow', reason: 'mind the gap' })
    const manifest = JSON.parse((await context().blobs.get(run?.manifest_sha256 as string)).toString())
    expect(manifest).toMatchObject({ version: 1, run: { id: runId }, outcome: { status: 'succeeded' } })
  })

  it('compensates after a failure and keeps the first reason', async () => {
    const runId = await createRun(await createEnvironment())
    await advanceRun(runId, tinyBuild)
    await endTask(runId, 'create', { status: 'failed', reason: 'disk-full', error: 'the pool is full' })
    await advanceRun(runId, tinyBuild)
    expect(await kindsOf(runId)).toEqual(['create', 'destroy'])
    await succeed(runId, 'destroy', { destroyCell: {} })
    await advanceRun(runId, tinyBuild)
    expect(await runOf(runId)).toMatchObject({ status: 'failed', result: 'red', reason: 'the pool is full' })
  })

  it('puts things back when the server has a bug, and says that it was one', async () => {
    const at = await createEnvironment()
    const runId = await createRun(at)
    await advanceRun(runId, tinyBuild)
    const withBug = async (run: BuildActions) => {
      const cellId = await run.newCell()
      try {
        await run.step('database', () => run.createCell(cellId))
        await run.step('deploy', async () => JSON.parse('no JSON'))
      } catch (failure) {
        await run.always(() => run.destroyCell(cellId))
        throw failure
      }
    }
    await succeed(runId, 'create', { createCell: {} })
    await advanceRun(runId, withBug)
    expect(await kindsOf(runId)).toEqual(['create', 'destroy'])
    // It goes on putting things back, also where the bug does not come up again.
    await advanceRun(runId, tinyBuild)
    expect(await kindsOf(runId)).toEqual(['create', 'destroy'])
    await succeed(runId, 'destroy', { destroyCell: {} })
    await advanceRun(runId, withBug)
    expect(await runOf(runId)).toMatchObject({
      status: 'failed',
      result: 'red',
      reason: expect.stringMatching(/^internal error: Unexpected token/),
      manifest_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(await environmentOf(at)).toMatchObject({ status: 'pending' })
  })

  it('takes SQL that cannot be right for a bug too, and leaves a lost database to the next look', async () => {
    const runId = await createRun(await createEnvironment())
    const failing = (code: string) => async () => {
      throw Object.assign(new Error('the database said no'), { code })
    }
    await expect(advanceRun(runId, failing('57P01'))).rejects.toThrow('the database said no')
    expect(await runOf(runId)).toMatchObject({ status: 'queued' })
    await advanceRun(runId, failing('42703'))
    expect(await runOf(runId)).toMatchObject({
      status: 'failed',
      reason: 'internal error: the database said no',
    })
  })

  it('ends a run whose pipeline has a bug instead of trying it for ever', async () => {
    const runId = await createRun(await createEnvironment())
    await advanceRun(runId, async () => {
      throw new TypeError('undefined is not a function')
    })
    expect(await runOf(runId)).toMatchObject({
      status: 'failed',
      reason: 'internal error: undefined is not a function',
    })
  })
})

describe('cancel', () => {
  const cancelled = "cancel_cause = 'user', cancelled_by = 'ana'"

  it('ends a queued run before it begins', async () => {
    const runId = await createRun(await createEnvironment())
    await set('runs', cancelled, runId)
    await advanceRun(runId, tinyBuild)
    expect(await runOf(runId)).toMatchObject({ status: 'cancelled', result: null })
    expect(await tasksOf(runId)).toEqual([])
  })

  it('asks the agent to stop, compensates, and names who wanted it', async () => {
    const runId = await createRun(await createEnvironment())
    await advanceRun(runId, tinyBuild)
    await set('tasks', "status = 'leased'", runId)
    await set('runs', cancelled, runId)
    await advanceRun(runId, tinyBuild)
    expect((await tasksOf(runId)).map((task) => task.cancel_requested)).toEqual([true])
    await endTask(runId, 'create', { status: 'cancelled' })
    await advanceRun(runId, tinyBuild)
    await succeed(runId, 'destroy', { destroyCell: {} })
    await advanceRun(runId, tinyBuild)
    expect(await runOf(runId)).toMatchObject({ status: 'cancelled', reason: 'cancelled by ana' })
  })

  it.each([
    ['away, cancelled', '1 minute', 'cancel_requested = true', { status: 'cancelled', reason: 'lost' }],
    ['away, time is up', '1 minute', 'timeout_at = now()', { status: 'timed-out', reason: 'lost' }],
    ['there, time is up', '-1 minute', 'timeout_at = now()', { status: 'timed-out', reason: 'stuck' }],
    ['away, time is left', '1 minute', "timeout_at = now() + interval '1 hour'", { status: 'leased' }],
    ['just gone, time is up', '1 second', 'timeout_at = now()', { status: 'leased' }],
    ['there, cancelled', '-1 minute', 'cancel_requested = true', { status: 'leased' }],
  ])('takes a task from a host only when nobody else ends it: %s', async (_, unleased, state, expected) => {
    const runId = await createRun(await createEnvironment())
    await advanceRun(runId, tinyBuild)
    await set(
      'tasks',
      `status = 'leased', epoch = 1, lease_until = now() - interval '${unleased}', ${state}`,
      runId,
    )
    await expireTasks(context())
    expect(await tasksOf(runId)).toMatchObject([expected])
  })
})

describe('a production update', () => {
  it('looks for room before anybody notices it', async () => {
    const at = await createEnvironment(undefined, 'production', 'production')
    const served = {
      runId: randomUUID(),
      digest: 'sha256:0',
      baseImage: '127.0.0.1:5000/fairway/odoo',
      modules: ['sale'],
      addonTrees: {},
    }
    const cellId = await insert('cells', {
      organization_id: organizationId(),
      project_id: at.projectId,
      environment_id: at.environmentId,
      host_id: hostId(),
      stage: 'production',
    })
    const deployment = { runtimeId: 'r', cellId, hostnames: [], ...served }
    await asOwner(`update environments set status = 'running', deployment = $2 where id = $1`, [
      at.environmentId,
      JSON.stringify(deployment),
    ])
    const current = deployment as unknown as Deployment
    const update = (run: BuildActions) =>
      release(
        {
          ...run,
          // Not what this is about: the steps of a build in development.
          step: (name, body) => (name === 'rehearse' || name === 'approve' ? body() : run.step(name, body)),
          plan: async (source, image) =>
            createPlan({ project: 'shop', environment: 'main', cellId: null, current }, source, image),
          findRehearsal: async () => ({ required: false }),
          authorizeDeploy: async () => undefined,
          fetchImage: async () => undefined,
        },
        { ...source, modules: ['sale', 'stock'] },
        { reference: '', digest: '', built: false },
      )
    const runId = await createRun(at)
    await advanceRun(runId, update)
    expect(await kindsOf(runId)).toEqual(['room'])
    await endTask(runId, 'room', { status: 'failed', reason: 'disk-full', error: 'the pool is full' })
    await advanceRun(runId, update)
    expect(await kindsOf(runId)).toEqual(['room'])
    expect(await runOf(runId)).toMatchObject({ status: 'failed', reason: 'the pool is full' })
    expect(await environmentOf(at)).toMatchObject({ status: 'running' })
  })
})

describe('taking over', () => {
  it('leads the route back before it removes a runtime that may have it', async () => {
    const at = await createEnvironment()
    const cellId = randomUUID()
    const deployment = { runtimeId: randomUUID(), cellId, hostnames: ['a.p.localhost'], modules: [] }
    await asOwner(`update environments set status = 'running', deployment = $2 where id = $1`, [
      at.environmentId,
      JSON.stringify(deployment),
    ])
    const image = { reference: 'image', digest: 'sha256:0', built: false }
    const takeOver = async (run: BuildActions) =>
      serve(run, await run.candidate(cellId, source, image), { standing: true, look: 'all' })
    const runId = await createRun(at)
    await advanceRun(runId, takeOver)
    await succeed(runId, 'start:', { startRuntime: {} })
    await advanceRun(runId, takeOver)
    await succeed(runId, 'smoke', { smoke: {} })
    await advanceRun(runId, takeOver)
    await endTask(runId, 'route', { status: 'failed', reason: 'lost', error: 'the host was lost' })
    await advanceRun(runId, takeOver)
    await succeed(runId, 'route-current', { switchRoute: {} })
    await advanceRun(runId, takeOver)
    const keys = (await tasksOf(runId)).map(({ key }) => key.split(':')[0])
    expect(keys).toEqual(['start', 'smoke', 'route', 'route-current', 'remove'])
    expect(await environmentOf(at)).toMatchObject({ deployment })
  })
})

describe('admission', () => {
  it('runs one build of an environment at a time, oldest first', async () => {
    const at = await createEnvironment()
    const first = await createRun(at)
    const second = await createRun(at)
    await advanceRun(second, tinyBuild)
    expect(await runOf(second)).toMatchObject({
      status: 'queued',
      reason: expect.stringContaining('waiting for'),
    })
    await advanceRun(first, tinyBuild)
    await advanceRun(second, tinyBuild)
    expect((await runOf(first))?.status).toBe('running')
    expect((await runOf(second))?.status).toBe('queued')
  })

  it('keeps a project to its share', async () => {
    const first = await createEnvironment()
    const runs = [await createRun(first)]
    for (const name of ['b', 'c', 'd'])
      runs.push(await createRun(await createEnvironment(first.projectId, name)))
    for (const runId of runs) await advanceRun(runId, tinyBuild)
    const statuses = await Promise.all(runs.map(async (runId) => (await runOf(runId))?.status))
    expect(statuses).toEqual(['running', 'running', 'running', 'queued'])
  })

  it('waits for a host that is away and says which', async () => {
    const runId = await createRun(await createEnvironment())
    await asOwner("update hosts set status = 'offline' where id = $1", [hostId()])
    await advanceRun(runId, tinyBuild)
    expect((await runOf(runId))?.reason).toBe('waiting for a host: one is offline')
    await asOwner("update hosts set status = 'online' where id = $1", [hostId()])
  })
})
