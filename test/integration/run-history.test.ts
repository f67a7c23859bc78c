import { describe, expect, it } from 'vitest'
import { operation } from '../../server/db/tenancy.ts'
import type { Caller } from '../../server/governance/authorize.ts'
import { type BuildActions, TaskFailed } from '../../server/runs/types.ts'
import { getRun } from '../../server/services/builds/runs.ts'
import { abandonRun } from '../../server/services/runs/stuck-runs.ts'
import { useEngine } from '../support/use-engine.ts'

// Servers are upgraded while runs are under way: a run whose record does not fit the pipeline is left alone.

const engine = useEngine()
const { context, createEnvironment, createRun, advanceRun, kindsOf, runOf } = engine

const owner = (): Caller => ({
  ...operation(engine.organizationId(), 'member:ana'),
  access: { role: 'owner', projects: 'all', projectRoles: new Map(), scopes: [] },
})

type Part = (run: BuildActions, cellId: string) => Promise<unknown>
const nothing: Part = async () => undefined

/** Changes something, and puts it back; `before` and `inside` are what a later version adds. */
const update =
  (before: Part, inside: Part = nothing) =>
  async (run: BuildActions) => {
    const cellId = await run.newCell()
    let changed = false
    await run.step('image', () => before(run, cellId))
    try {
      await run.step('database', async () => {
        changed = true
        await run.createCell(cellId)
        await inside(run, cellId)
        await run.clonePrepared(cellId, { id: cellId })
      })
    } catch (failure) {
      await run.always(async () => {
        if (changed) await run.destroyCell(cellId)
      })
      throw failure
    }
  }
const former = update(nothing)
const fetch: Part = (run) => run.fetchImage('new', 'image')

/** A run that the former server began: its database is being made. */
async function begun(pipeline = former): Promise<string> {
  const runId = await createRun(await createEnvironment())
  await advanceRun(runId, pipeline)
  return runId
}

const stalled = (error: string) => ({
  status: 'running',
  trouble: { kind: 'stalled', error: expect.stringContaining(error) },
})
const fetchAsked = 'the effect credentials:fetch-image:new'

describe('a run that a later server asks for something else', () => {
  it('is left alone, says where the two differ, and goes on with a server that fits', async () => {
    const runId = await begun()
    await engine.endTask(runId, 'create', { status: 'failed', error: 'no room' })
    await advanceRun(runId, update(fetch))
    await advanceRun(runId, update(fetch))
    expect(await runOf(runId)).toMatchObject(
      stalled(`as command 3 the run has the step database on record, and this server asks for ${fetchAsked}`),
    )
    expect(await kindsOf(runId)).toEqual(['create'])
    const { reason } = await getRun(context(), owner(), { runId })
    expect(reason).toMatch(
      /^the run stands still since .*, and nothing of it is done: as command 3 .*abandon/,
    )
    await advanceRun(runId, former)
    expect(await runOf(runId)).toMatchObject({ status: 'running', trouble: null })
    await engine.succeed(runId, 'destroy', { destroyCell: {} })
    await advanceRun(runId, former)
    expect(await runOf(runId)).toMatchObject({ status: 'failed', reason: 'no room' })
  })

  it('is left alone as well where it is cancelled: that is no way out of putting things back', async () => {
    const runId = await begun()
    await engine.endTask(runId, 'create', { status: 'succeeded', output: JSON.stringify({ createCell: {} }) })
    await engine.set('runs', "cancel_cause = 'user', cancelled_by = 'ana'", runId)
    const failsBefore: Part = async () => {
      throw new TaskFailed('new', 'what the former server did not know')
    }
    await advanceRun(runId, update(failsBefore))
    expect((await runOf(runId))?.trouble).toMatchObject({ kind: 'stalled' })
    await advanceRun(runId, update(fetch))
    expect((await runOf(runId))?.trouble).toMatchObject({ kind: 'stalled' })
    await advanceRun(runId, former)
    expect(await kindsOf(runId)).toEqual(['create', 'destroy'])
  })

  it('can be given up', async () => {
    const runId = await begun()
    await engine.succeed(runId, 'create', { createCell: {} })
    await advanceRun(runId, update(fetch))
    await abandonRun(context(), owner(), { runId, reason: 'the former server is gone' })
    await advanceRun(runId, update(fetch))
    expect(await runOf(runId)).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/^it was given up by member:ana: the former server is gone\./),
    })
  })

  it('is left alone by a server that is older', async () => {
    const runId = await begun()
    await engine.set('runs', 'pipeline_version = 2', runId)
    await advanceRun(runId, former)
    expect(await runOf(runId)).toMatchObject(
      stalled('it goes by version 2 of build, and this server knows 1'),
    )
  })
})

describe('a run whose record somebody changed behind the server', () => {
  const misfit = 'does not fit: digest: Invalid input: expected string, received number'

  it('is left alone, says which field it is, and goes on once that is mended', async () => {
    const runId = await begun()
    await engine.succeed(runId, 'create', { createCell: {} })
    await engine.set('runs', `record = '{"digest": 7}'`, runId)
    for (const _ of [1, 2]) await advanceRun(runId, former)
    expect(await runOf(runId)).toMatchObject(stalled(`The record of run ${runId} (build) ${misfit}`))
    expect(await kindsOf(runId)).toEqual(['create'])
    await engine.set('runs', `record = '{"url": "https://shop"}'`, runId)
    await advanceRun(runId, former)
    expect(await runOf(runId)).toMatchObject({
      trouble: null,
      record_version: 2,
      record: { url: 'https://shop' },
    })
    expect(await kindsOf(runId)).toEqual(['create', 'clone'])
  })

  it('can be given up, and its evidence says that it could not be read', async () => {
    const runId = await begun()
    await engine.succeed(runId, 'create', { createCell: {} })
    await engine.set('runs', `record = '{"digest": 7}'`, runId)
    await advanceRun(runId, former)
    await abandonRun(context(), owner(), { runId, reason: 'nobody knows what it was' })
    await advanceRun(runId, former)
    const ended = await runOf(runId)
    expect(ended).toMatchObject({ status: 'failed' })
    const manifest = await context().blobs.get(String(ended?.manifest_sha256))
    expect(JSON.parse(manifest.toString())).toMatchObject({
      outcome: { warnings: [expect.stringContaining(misfit)] },
    })
  })
})

describe('a change that goes by a patch', () => {
  const warm: Part = async (run) => {
    if (await run.patched('warm')) await run.fetchImage('new', 'image')
  }

  it('is none of runs that have come past it', async () => {
    const runId = await begun()
    await engine.succeed(runId, 'create', { createCell: {} })
    await advanceRun(runId, update(warm))
    await advanceRun(runId, update(warm))
    expect(await kindsOf(runId)).toEqual(['create', 'clone'])
    expect((await runOf(runId))?.trouble).toBeNull()
  })

  it('is none either where they come to another place that asks for the same', async () => {
    const runId = await begun()
    await engine.succeed(runId, 'create', { createCell: {} })
    for (const _ of [1, 2]) await advanceRun(runId, update(warm, warm))
    expect(await kindsOf(runId)).toEqual(['create', 'clone'])
    expect((await runOf(runId))?.trouble).toBeNull()
  })

  it('is of runs that have not come so far, and of new ones, each time', async () => {
    const runId = await begun()
    await engine.succeed(runId, 'create', { createCell: {} })
    for (const _ of [1, 2]) await advanceRun(runId, update(nothing, warm))
    expect(await kindsOf(runId)).toEqual(['create', 'fetch-image'])
    await engine.succeed(runId, 'fetch-image', { fetchImage: {} })
    for (const _ of [1, 2]) await advanceRun(runId, update(nothing, warm))
    expect(await kindsOf(runId)).toEqual(['create', 'fetch-image', 'clone'])
    expect(await kindsOf(await begun(update(warm)))).toEqual(['fetch-image'])
  })
})

describe('what was concluded', () => {
  const decide =
    (conclude: () => string): Part =>
    async (run, cellId) => {
      if ((await run.decide('way', conclude)) === 'first') await run.holdCell(cellId)
    }

  it('is what it was concluded first, whatever a later server makes of it', async () => {
    const runId = await begun(update(decide(() => 'first')))
    await advanceRun(runId, update(decide(() => 'second')))
    expect((await runOf(runId))?.trouble).toBeNull()
  })

  it('is concluded anew where a run has come past the first place that asks, also at the second', async () => {
    const runId = await begun()
    await engine.succeed(runId, 'create', { createCell: {} })
    const second = decide(() => 'second')
    for (const _ of [1, 2]) await advanceRun(runId, update(second, second))
    expect(await kindsOf(runId)).toEqual(['create', 'clone'])
    expect((await runOf(runId))?.trouble).toBeNull()
  })

  it('fails each time where it failed', async () => {
    const fails = () => {
      throw new TaskFailed('no', 'it cannot be')
    }
    const runId = await createRun(await createEnvironment())
    const refused = (conclude: () => string) => async (run: BuildActions) => {
      try {
        await run.step('image', () => decide(conclude)(run, ''))
      } catch (failure) {
        await run.step('database', () => run.createCell('made all the same'))
        throw failure
      }
    }
    await advanceRun(runId, refused(fails))
    await engine.succeed(runId, 'create', { createCell: {} })
    await advanceRun(
      runId,
      refused(() => 'second'),
    )
    expect(await runOf(runId)).toMatchObject({ status: 'failed', reason: 'it cannot be' })
  })
})

describe('a run of before commands had a place', () => {
  const withoutPlaces = async (runId: string) => {
    await engine.set('runs', 'pipeline_version = null', runId)
    for (const table of ['tasks', 'steps', 'effects'])
      await engine.asOwner(`update ${table} set ordinal = null where run_id = $1`, [runId])
  }

  it('goes on, and what it asks for from then on has one', async () => {
    const runId = await begun()
    await withoutPlaces(runId)
    await engine.succeed(runId, 'create', { createCell: {} })
    await advanceRun(runId, former)
    expect(await kindsOf(runId)).toEqual(['create', 'clone'])
    await advanceRun(runId, update(nothing, fetch))
    expect(await runOf(runId)).toMatchObject(stalled(fetchAsked))
  })

  it('is left alone where what it asked for is asked for no more', async () => {
    const runId = await begun()
    await withoutPlaces(runId)
    await advanceRun(runId, async (run) => {
      await run.step('database', () => run.fetchImage('new', 'image'))
    })
    expect(await runOf(runId)).toMatchObject(stalled('the task create:'))
    expect(await kindsOf(runId)).toEqual(['create'])
  })
})
