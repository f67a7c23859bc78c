import { expect } from 'vitest'
import { stepInSql, type WayBack, type WayBackName, waysBack } from '../faults/release-steps.ts'
import { expectProduction, expectTasks } from './expect-agreement.ts'
import type { Point, Step } from './kill-points.ts'
import type { Ended } from './release-player.ts'
import type { Patient } from './survive.ts'
import { waitFor } from './wait-for.ts'

// What puts things back is failed by the real thing: Docker is away from the agent, from before it is asked for a task on.

const asked = (name: string): Point => ({ kind: 'ask', name, moment: 'standing' })
const done = (name: string): Point => ({ kind: 'task', name, moment: 'standing' })

/** A task of the way back fails that often, and then things are as they were. */
export async function failBack(
  patient: Patient,
  name: WayBackName,
  task: string,
  times: number,
): Promise<void> {
  const { shop, player, docker } = patient
  const way: WayBack = waysBack[name]
  await stuckIn(patient, way, task, times, async (runId, key) => {
    await docker.open()
    await shop.test.stack.cli('run', 'retry', runId)
    const { status, reason } = await player.ended()
    expect(status, reason).toBe('failed')
    await expectTasks(shop, runId, { [way.fails ?? 'apply:update']: 1, [key]: times })
    await expectProduction(shop, player.now)
  })
}

/** A task of the way back fails for as long as anybody looks, until somebody gives the run up. */
export async function giveUp(
  patient: Patient,
  name: WayBackName,
  task: string,
  left: () => Promise<void>,
): Promise<void> {
  const { shop, player, docker } = patient
  await stuckIn(patient, waysBack[name], task, 2, async (runId) => {
    await shop.test.stack.cli('run', 'abandon', runId, '--reason', 'the disk is lost', '--yes')
    const { status, reason } = await player.ended()
    expect({ status, reason }).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('the disk is lost'),
    })
    await docker.open()
    await left()
  })
}

/** Whatever happens, the run ends: it is not in the way of the next case. */
async function stuckIn(
  patient: Patient,
  way: WayBack,
  task: string,
  times: number,
  then: (runId: string, key: string) => Promise<void>,
): Promise<void> {
  const { player, points, docker } = patient
  await points.openAll()
  await docker.open()
  await mend(patient)
  await player.prepare(way.run)
  await points.close(way.fails ? [asked(way.fails), done(way.fails)] : [asked(task)])
  const runId = await player.begin(way.run)
  try {
    if (way.fails) await failForward(patient, runId, way.fails, task)
    await comesTo(patient, runId, asked(task))
    await docker.shut()
    await points.open(asked(task))
    let key = await fails(patient, runId, task, 1)
    for (let attempt = 2; attempt <= times; attempt++) {
      await patient.shop.test.stack.cli('run', 'retry', runId)
      key = await fails(patient, runId, task, attempt)
    }
    await then(runId, key)
  } catch (error) {
    await points.openAll()
    await docker.open()
    await player.ended()
    throw error
  }
}

/** What a case that failed may have left: production is to be served by something. */
async function mend({ shop, player }: Patient): Promise<void> {
  const [failed] = await shop.test.query<{ dirty: boolean }>(
    `select c.dirty_since is not null as dirty from environments e join cells c on c.id = e.cell_id
     where e.stage = 'production' and e.status = 'failed'`,
  )
  if (failed?.dirty) await player.restore()
  else if (failed) await shop.test.stack.cli('env', 'start', 'shop/production')
}

/** Docker is away for this task alone, and what follows is held up at its beginning. */
async function failForward(patient: Patient, runId: string, step: string, next: string): Promise<void> {
  const { points, docker } = patient
  await comesTo(patient, runId, asked(step))
  await points.close([asked(next)])
  await docker.shut()
  await points.open(asked(step))
  await comesTo(patient, runId, done(step))
  await docker.open()
  await points.open(done(step))
}

async function comesTo({ shop, points }: Patient, runId: string, point: Point): Promise<void> {
  const there = async () => {
    await requireOpen(shop, runId, point)
    return points.reached(runId, point)
  }
  await waitFor(`${point.kind} ${point.name}`, there, 180_000)
}

async function fails({ shop }: Patient, runId: string, task: string, attempt: number): Promise<string> {
  const text = `select t.key, run.trouble->>'error' as error from runs run, tasks t where run.id = $1 and t.run_id = run.id
    and ${stepInSql('t.key')} = $2 and t.attempt = $3 and t.status = 'failed' and (run.trouble->>'attempts')::int >= $3`
  const found = async () => {
    await requireOpen(shop, runId, { kind: 'task', name: task })
    return (await shop.test.query<{ key: string; error: string }>(text, [runId, task, attempt]))[0]
  }
  const { key, error } = await waitFor(`${task} fails for the ${attempt}. time`, found, 120_000)
  expect(error).toContain('Docker does not answer')
  return key
}

async function requireOpen({ test }: Patient['shop'], runId: string, { name }: Step): Promise<void> {
  const [run] = await test.query<Ended>('select status, reason from runs where id = $1', [runId])
  expect(run?.status, `it ends before ${name}: ${run?.reason}`).toMatch(/^(queued|running)$/)
}
