import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Deployment } from '../../server/db/record.ts'
import { arrangeWorld, everyRun, forEver, type World } from '../support/every-run.ts'
import { broken, type Play, putsBack } from '../support/play-run.ts'
import { startTestDatabase, type TestDatabase } from '../support/postgres.ts'

// Each task by which a run of any kind puts things back is failed once, twice, and for ever until a person gives it up.
// The real engine and pipelines; the agent's part is played.

let database: TestDatabase
let world: World

beforeAll(async () => {
  database = await startTestDatabase()
  world = await arrangeWorld(database, 'acme')
}, 120_000)
afterAll(() => database?.close())

const cases = Object.entries(everyRun).flatMap(([name, run]) =>
  (run.failing ?? []).map((task) => [name, task, run] as const),
)

/** What the run left: how it ended, what it had put back on hosts, and what its environment is. */
async function leftBy(runId: string) {
  return await world.tenant.scope(async (tx) => {
    const run = await tx.selectFrom('runs').selectAll().where('id', '=', runId).executeTakeFirstOrThrow()
    const tasks = await tx.selectFrom('tasks').selectAll().where('run_id', '=', runId).execute()
    const held = await tx.selectFrom('cells').select('id').where('held_by', '=', runId).execute()
    const { status, deployment } = await tx
      .selectFrom('environments')
      .select(['status', 'deployment'])
      .where('id', '=', run.environment_id)
      .executeTakeFirstOrThrow()
    const back = tasks.filter(putsBack)
    const done = back.filter((task) => task.status === 'succeeded').map(({ key }) => key.split(':')[0])
    const attempts = Math.max(0, ...back.map(({ attempt }) => attempt))
    const digest = (deployment as Deployment | null)?.digest
    return { run, held, environment: { status, digest }, done: done.sort(), attempts }
  })
}

const withoutIds = (text: string) => text.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')

type Case = (typeof cases)[number]
async function playFailing([, task, { begin, play }]: Case, how: Play) {
  const runId = await world.play(await begin(world), { ...play, failures: { [task]: broken }, ...how })
  return await leftBy(runId)
}

it.each(cases)(
  '%s in which %s fails ends as it had failed, however often its way back does',
  async (...of) => {
    const fine = await playFailing(of, {})
    expect(fine.done).not.toEqual([])
    for (const backFails of [1, 2]) {
      const left = await playFailing(of, { backFails })
      expect(left.run).toMatchObject({ status: fine.run.status, trouble: null })
      expect(withoutIds(left.run.reason)).toBe(withoutIds(fine.run.reason))
      expect(left).toMatchObject({ done: fine.done, attempts: backFails + 1 })
      expect(left.held).toEqual([])
      expect(left.environment).toEqual(fine.environment)
    }
  },
  60_000,
)

describe('what fails for ever', () => {
  const given = cases.filter(([name, task]) =>
    [
      'a rehearsal apply:rehearse',
      'a preview that replaces another route:',
      'a promotion apply:update',
    ].includes(`${name} ${task}`),
  )
  it.each(given)(
    'ends %s in which %s fails where a person gives it up',
    async (...of) => {
      const left = await playFailing(of, forEver)
      expect(left.run).toMatchObject({ status: 'failed', trouble: null, abandoned_by: 'member:ana' })
      expect(left.run.reason).toMatch(
        /^it broke; putting things back was given up by member:ana: the disk is lost/,
      )
      expect(left.held).toEqual([])
      if (left.run.kind !== 'rehearse') expect(left.environment.status).toBe('failed')
    },
    60_000,
  )
})
