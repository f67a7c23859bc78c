import { beforeEach, describe, expect, it } from 'vitest'
import type { BuildActions } from '../../server/runs/types.ts'
import { type Environment, useEngine } from '../support/use-engine.ts'

const { asOwner, createEnvironment, createRun, advanceRun, runOf, hostId } = useEngine()

const gib = 1024 ** 3
const waitsForDatabase = (run: BuildActions) =>
  run.step('database', async () => run.createCell(await run.newCell()))

/** Advances it as if its turn had come. */
async function tryToBegin(runId: string): Promise<{ status: unknown; reason: unknown }> {
  await asOwner('update runs set advance_at = now() where id = $1', [runId])
  await advanceRun(runId, waitsForDatabase)
  const { status, reason } = (await runOf(runId)) ?? {}
  return { status, reason }
}

const queue = async (stage = 'development', more: Record<string, unknown> = {}) => {
  const at = await createEnvironment(undefined, 'feature-a', stage)
  return { at, runId: await createRun(at, { stage, ...more }) }
}

/** Of an environment whose containers run, with what `memory` of fairway.yaml is for each of them. */
async function serve(stage: string, memoryBytes: number, status = 'running'): Promise<Environment> {
  const at = await createEnvironment(undefined, 'feature-a', stage)
  await asOwner('update environments set host_id = $2, status = $3, deployment = $4 where id = $1', [
    at.environmentId,
    hostId(),
    status,
    JSON.stringify({ memoryBytes }),
  ])
  return at
}

const hostHas = (bytes: number) =>
  asOwner('update hosts set memory_bytes = $2 where id = $1', [hostId(), bytes])

beforeEach(async () => {
  await asOwner(`update runs set status = 'cancelled', advance_at = null`)
  await asOwner(`update environments set status = 'destroyed'`)
  await hostHas(10 * gib)
})

describe('a run that would promise more memory than its host has', () => {
  it('waits, says for what and what to do, and begins once there is room', async () => {
    // 4 GiB for each of two containers, and a third of 4 GiB for a second Odoo: 9.3 GiB, where 9 are to be had.
    await serve('staging', 4 * gib)
    const large = await serve('production', 4 * gib)
    const { runId } = await queue()
    expect(await tryToBegin(runId)).toEqual({
      status: 'queued',
      reason:
        'waiting for memory on host one: of 9.0 GiB for environments 12.0 GiB are promised, and it needs 512 MiB; stop or destroy an environment there (fairway env list)',
    })
    await asOwner(`update environments set status = 'destroyed' where id = $1`, [large.environmentId])
    expect(await tryToBegin(runId)).toEqual({ status: 'running', reason: '' })
  })

  it('counts what runs under way are about to start', async () => {
    await hostHas(2 * gib)
    const [first, second, third] = [await queue(), await queue(), await queue()]
    expect(await tryToBegin(first.runId)).toMatchObject({ status: 'running' })
    expect(await tryToBegin(second.runId)).toMatchObject({ status: 'running' })
    expect(await tryToBegin(third.runId)).toMatchObject({ status: 'queued' })
    await asOwner(`update runs set status = 'failed', advance_at = null where id = $1`, [first.runId])
    expect(await tryToBegin(third.runId)).toMatchObject({ status: 'running' })
  })

  it('counts an environment that runs once, and the second Odoo that its rebuild starts', async () => {
    await hostHas(4 * gib)
    const at = await serve('staging', 3 * gib)
    await serve('development', gib)
    // 2 and 0.7 GiB of 3 are promised; a second Odoo of a third of 3 GiB is too much.
    const rebuild = await createRun(at, { stage: 'staging' })
    expect(await tryToBegin(rebuild)).toMatchObject({
      status: 'queued',
      reason: expect.stringContaining(
        'of 3.0 GiB for environments 2.7 GiB are promised, and it needs 1.0 GiB',
      ),
    })
    await hostHas(5 * gib)
    expect(await tryToBegin(rebuild)).toMatchObject({ status: 'running' })
  })

  it('is not measured where its host has nothing else, or has not said what it has', async () => {
    await hostHas(1.5 * gib)
    const alone = await queue()
    expect(await tryToBegin(alone.runId)).toMatchObject({ status: 'running' })
    await hostHas(0)
    const unknown = await queue()
    expect(await tryToBegin(unknown.runId)).toMatchObject({ status: 'running' })
  })

  it('counts before its first build as others of its stage in the project', async () => {
    await hostHas(9 * gib)
    const sibling = await serve('development', 6 * gib)
    await serve('development', 3 * gib)
    const at = await createEnvironment(sibling.projectId, 'feature-b', 'development')
    const runId = await createRun(at)
    expect(await tryToBegin(runId)).toMatchObject({
      status: 'queued',
      reason: expect.stringContaining('and it needs 4.0 GiB'),
    })
  })
})

describe('production', () => {
  it('is promised its memory while it is stopped, and starts on a full host', async () => {
    await hostHas(4 * gib)
    const at = await serve('production', gib, 'stopped')
    const preview = await queue()
    // 2.3 and 0.5 GiB of 3.
    expect(await tryToBegin(preview.runId)).toMatchObject({ status: 'running' })
    const another = await queue()
    expect(await tryToBegin(another.runId)).toMatchObject({ status: 'queued' })
    const start = await createRun(at, { stage: 'production', kind: 'start' })
    expect(await tryToBegin(start)).toMatchObject({ status: 'running' })
  })

  it('never waits to be stopped, released or put back; its rehearsal does', async () => {
    await hostHas(3 * gib)
    const at = await serve('production', gib)
    await serve('staging', gib)
    for (const kind of ['stop', 'promote', 'rollback']) {
      const runId = await createRun(at, { stage: 'production', kind })
      // How it goes on hangs on what it was asked for.
      expect((await tryToBegin(runId)).reason).not.toContain('waiting for memory')
      await asOwner(`update runs set status = 'succeeded', advance_at = null where id = $1`, [runId])
    }
    const rehearsal = await createRun(at, { stage: 'production', kind: 'rehearse' })
    expect(await tryToBegin(rehearsal)).toMatchObject({
      status: 'queued',
      reason: expect.stringContaining('waiting for memory on host one'),
    })
  })
})

describe('several hosts', () => {
  it('are taken in the order of their free room, but for those without memory', async () => {
    await hostHas(2 * gib)
    const other = await asOwner(
      `insert into hosts (organization_id, name, status, memory_bytes, capabilities)
       select organization_id, 'two', status, $1, capabilities from hosts where name = 'one' returning id`,
      [8 * gib],
    )
    await serve('production', gib)
    const { runId } = await queue()
    expect(await tryToBegin(runId)).toMatchObject({ status: 'running' })
    expect(await runOf(runId)).toMatchObject({ host_id: other[0]?.id })
    await asOwner(
      `delete from hosts where name = 'two' and not exists (select from runs where host_id = hosts.id)`,
    )
    await asOwner(`update hosts set status = 'offline' where name = 'two'`)
  })
})
