import { describe, expect, it } from 'vitest'
import { operation } from '../../server/db/tenancy.ts'
import type { Caller } from '../../server/governance/authorize.ts'
import type { BuildActions } from '../../server/runs/types.ts'
import { getRun } from '../../server/services/builds/runs.ts'
import { getEnvironment } from '../../server/services/environments/environment-views.ts'
import { abandonRun, retryRun } from '../../server/services/runs/stuck-runs.ts'
import { type Environment, useEngine } from '../support/use-engine.ts'

// What puts things back is asked for until it succeeds or a person ends the run.

const engine = useEngine()
const { context, asOwner, createEnvironment, createRun, advanceRun, kindsOf, runOf, environmentOf } = engine

const owner = (): Caller => ({
  ...operation(engine.organizationId(), 'member:ana'),
  access: { role: 'owner', projects: 'all', projectRoles: new Map(), scopes: [] },
})

type Part = (run: BuildActions, cellId: string) => Promise<void>
const destroy: Part = (run, cellId) => run.destroyCell(cellId)
const remove: Part = (run) => run.removeRuntime('former')

/** Holds a cell, and puts back what it did when what it does to it fails. */
const updateWith =
  ({ back = destroy, tidy = remove }: { back?: Part; tidy?: Part }) =>
  async (run: BuildActions) => {
    const cellId = await run.newCell()
    try {
      await run.step('database', async () => {
        await run.holdCell(cellId)
        await run.createCell(cellId)
      })
    } catch (failure) {
      await run.always(() => back(run, cellId))
      throw failure
    }
    await run.tidyUp('the former one was not removed', () => tidy(run, cellId), 2)
  }
const update = updateWith({})

/** A run that has failed, and whose way back has failed as well. */
async function stuckRun(): Promise<{ at: Environment; runId: string }> {
  const at = await createEnvironment()
  const runId = await createRun(at)
  await advanceRun(runId, update)
  await engine.endTask(runId, 'create', { status: 'failed', error: 'no room' })
  await advanceRun(runId, update)
  await fail(runId, 'Docker is away')
  return { at, runId }
}

async function fail(runId: string, error: string): Promise<void> {
  await engine.endTask(runId, 'destroy', { status: 'failed', error })
  await advanceRun(runId, update)
}

/** As if so much time had passed since everything was asked for. */
const pass = (runId: string, seconds: number) =>
  engine.set('tasks', `created_at = created_at - interval '${seconds} seconds'`, runId)

describe('what puts things back', () => {
  it('is asked for again once its time has come, and ends the run as it had failed', async () => {
    const { at, runId } = await stuckRun()
    await advanceRun(runId, update)
    expect(await kindsOf(runId)).toEqual(['create', 'destroy'])
    await pass(runId, 5)
    await advanceRun(runId, update)
    expect(await kindsOf(runId)).toEqual(['create', 'destroy', 'destroy'])
    await fail(runId, 'Docker is still away')
    await pass(runId, 10)
    await advanceRun(runId, update)
    await engine.succeed(runId, 'destroy', { destroyCell: {} })
    await advanceRun(runId, update)
    expect(await runOf(runId)).toMatchObject({ status: 'failed', reason: 'no room', trouble: null })
    expect(await environmentOf(at)).toMatchObject({ status: 'pending' })
  })

  it('keeps the run running and the cell held, whatever time the run was allowed, and says so', async () => {
    const { at, runId } = await stuckRun()
    await engine.set('runs', "timeout_at = now() - interval '1 day'", runId)
    await advanceRun(runId, update)
    expect(await runOf(runId)).toMatchObject({
      status: 'running',
      cancel_cause: null,
      trouble: {
        kind: 'putting-back',
        task: 'destroyCell',
        step: 'database',
        attempts: 1,
        failure: 'no room',
      },
    })
    expect(await asOwner('select id from cells where held_by = $1', [runId])).toHaveLength(1)
    const run = await getRun(context(), owner(), { runId })
    const told = /putting things back fails at destroyCell since .* \(once\): Docker is away; .* again at/
    expect(run.steps.find(({ name }) => name === 'database')?.summary).toMatch(told)
    const verbs = `fairway run retry ${runId}. To leave things as they are: fairway run abandon ${runId} `
    expect(run.reason).toMatch(told)
    expect(run.reason).toContain(verbs)
    expect(run.trouble).toMatchObject({ task: 'destroyCell', attempts: 1, summary: run.reason })
    const [names] = await asOwner(
      `select projects.name as project, environments.name as environment from environments
       join projects on projects.id = environments.project_id where environments.id = $1`,
      [at.environmentId],
    )
    const shown = await getEnvironment(context(), owner(), names as never)
    expect(shown).toMatchObject({ runningRun: runId, trouble: run.reason })
  })

  it('is tried at once where a person wants it', async () => {
    const { runId } = await stuckRun()
    await retryRun(context(), owner(), runId)
    await advanceRun(runId, update)
    expect(await kindsOf(runId)).toEqual(['create', 'destroy', 'destroy'])
    expect((await runOf(runId))?.trouble).toMatchObject({ attempts: 1, nextAt: null })
    await fail(runId, 'Docker is away')
    expect(await kindsOf(runId)).toHaveLength(3)
    const [event] = await asOwner(
      "select * from audit_events where action = 'run.retry' and subject_id = $1",
      [runId],
    )
    expect(event?.details).toMatchObject({ task: 'destroyCell', attempts: 1, error: 'Docker is away' })
  })

  it('ends where a person gives it up, and says what is left', async () => {
    const { at, runId } = await stuckRun()
    await expect(abandonRun(context(), owner(), { runId, reason: ' ' })).rejects.toMatchObject({
      reason: 'invalid-reason',
    })
    await abandonRun(context(), owner(), { runId, reason: 'the disk is lost' })
    await advanceRun(runId, update)
    expect(await runOf(runId)).toMatchObject({
      status: 'failed',
      result: 'red',
      reason: expect.stringMatching(
        /^no room; putting things back was given up by member:ana: the disk is lost. destroyCell had failed once since .*: Docker is away. .* is left as it is$/,
      ),
      manifest_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(await environmentOf(at)).toMatchObject({ status: 'failed' })
    expect(await asOwner('select id from cells where held_by = $1', [runId])).toEqual([])
    const [event] = await asOwner(
      "select * from audit_events where action = 'run.abandon' and subject_id = $1",
      [runId],
    )
    expect(event?.details).toMatchObject({ reason: 'the disk is lost', task: 'destroyCell', attempts: 1 })
    await expect(retryRun(context(), owner(), runId)).rejects.toMatchObject({ reason: 'run-not-stuck' })
  })

  it('is given up only once no host works at it any more', async () => {
    const { runId } = await stuckRun()
    await retryRun(context(), owner(), runId)
    await advanceRun(runId, update)
    await asOwner("update tasks set status = 'leased' where run_id = $1 and status = 'queued'", [runId])
    await abandonRun(context(), owner(), { runId, reason: 'enough' })
    await advanceRun(runId, update)
    expect(await runOf(runId)).toMatchObject({ status: 'running' })
    expect(
      await asOwner('select id from tasks where run_id = $1 and cancel_requested', [runId]),
    ).toHaveLength(1)
    await engine.endTask(runId, 'destroy', { status: 'cancelled' })
    await advanceRun(runId, update)
    expect(await runOf(runId)).toMatchObject({ status: 'failed' })
  })

  it('is no matter of runs in which nothing fails', async () => {
    const runId = await createRun(await createEnvironment())
    await advanceRun(runId, update)
    for (const wish of [
      retryRun(context(), owner(), runId),
      abandonRun(context(), owner(), { runId, reason: 'bored' }),
    ])
      await expect(wish).rejects.toMatchObject({ reason: 'run-not-stuck' })
  })

  it('is over where its host was shut out for good', async () => {
    const at = await createEnvironment()
    const runId = await createRun(at)
    await advanceRun(runId, update)
    await engine.endTask(runId, 'create', { status: 'failed', error: 'no room' })
    await advanceRun(runId, update)
    const revoked = { status: 'failed', reason: 'host-revoked', error: 'The host one was revoked' }
    await engine.endTask(runId, 'destroy', revoked)
    await advanceRun(runId, update)
    expect(await runOf(runId)).toMatchObject({
      status: 'failed',
      reason: 'no room; putting things back failed too: The host one was revoked',
    })
    expect(await environmentOf(at)).toMatchObject({ status: 'failed' })
  })
})

describe('a fault of the server', () => {
  const faults: [string, () => Promise<never>][] = [
    ['of the code', async () => Promise.reject(new TypeError('undefined is not a function'))],
    ['of its SQL', async () => Promise.reject(Object.assign(new Error('no such column'), { code: '42703' }))],
  ]

  it.each(faults)('in what puts things back is tried again as well: %s', async (_, fault) => {
    const at = await createEnvironment()
    const runId = await createRun(at)
    await advanceRun(runId, update)
    await engine.endTask(runId, 'create', { status: 'failed', error: 'no room' })
    for (const attempts of [1, 2]) {
      await advanceRun(runId, updateWith({ back: fault }))
      expect(await runOf(runId)).toMatchObject({
        status: 'running',
        trouble: { kind: 'putting-back', attempts, error: expect.stringMatching(/^internal error: /) },
      })
    }
    // A server without it.
    await advanceRun(runId, update)
    await engine.succeed(runId, 'destroy', { destroyCell: {} })
    await advanceRun(runId, update)
    expect(await runOf(runId)).toMatchObject({ status: 'failed', reason: 'no room', trouble: null })
    expect(await environmentOf(at)).toMatchObject({ status: 'pending' })
  })

  it('in tidying up is a warning', async () => {
    const untidy = updateWith({
      async tidy(run) {
        await run.decide('what is left', () => 'nothing')
        throw new TypeError('undefined is not a function')
      },
    })
    const runId = await createRun(await createEnvironment())
    await advanceRun(runId, update)
    await engine.succeed(runId, 'create', { createCell: {} })
    await advanceRun(runId, untidy)
    expect(await runOf(runId)).toMatchObject({
      status: 'succeeded',
      result: 'yellow',
      reason: 'the former one was not removed: internal error: undefined is not a function',
    })
  })
})

describe('what tidies up', () => {
  it('is asked for as often as is said, and then left with a warning', async () => {
    const runId = await createRun(await createEnvironment())
    await advanceRun(runId, update)
    await engine.succeed(runId, 'create', { createCell: {} })
    await advanceRun(runId, update)
    await engine.endTask(runId, 'remove', { status: 'failed', error: 'first' })
    await advanceRun(runId, update)
    expect(await runOf(runId)).toMatchObject({ status: 'running', trouble: null })
    await pass(runId, 5)
    await advanceRun(runId, update)
    expect(await kindsOf(runId)).toEqual(['create', 'remove', 'remove'])
    await engine.endTask(runId, 'remove', { status: 'failed', error: 'second' })
    await advanceRun(runId, update)
    expect(await runOf(runId)).toMatchObject({
      status: 'succeeded',
      result: 'yellow',
      reason: 'the former one was not removed: second',
    })
  })
})
