import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Job } from '../../server/jobs/job.ts'
import { type Jobs, startJobs } from '../../server/jobs/jobs.ts'
import { query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { waitFor } from '../support/wait-for.ts'

// What several servers over one database do from time to time.

let database: TestDatabase
const started: Jobs[] = []

beforeAll(async () => {
  database = await startTestDatabase()
}, 60_000)
beforeEach(async () => {
  await Promise.all(started.splice(0).map((jobs) => jobs.stop()))
  await asOwner('delete from jobs')
})
afterAll(async () => {
  await Promise.all(started.map((jobs) => jobs.stop()))
  await database?.close()
})

const asOwner = (text: string, values: unknown[] = []) => query(database.ownerUrl, text, values)
const start = (job: Job, holdMs = 60_000) => {
  const jobs = startJobs(database.context, [job], { lookEveryMs: 10, holdMs })
  started.push(jobs)
  return jobs
}
const rowOf = async (name: string) => (await asOwner('select * from jobs where name = $1', [name]))[0]

test('a job is one server’s at a time, and goes on from one to the other', async () => {
  let [atOnce, most, times] = [0, 0, 0]
  const job: Job = {
    name: 'counted',
    schedule: { everyMs: 1 },
    async run() {
      most = Math.max(most, ++atOnce)
      times++
      await asOwner('select pg_sleep(0.01)')
      atOnce--
    },
  }
  for (let server = 0; server < 3; server++) start(job)
  await waitFor('it to be done often', () => times > 20)
  expect(most).toBe(1)
})

test('what failed is said, and done again', async () => {
  let times = 0
  const job: Job = {
    name: 'failing',
    schedule: { everyMs: 1 },
    async run() {
      if (++times === 1) throw new Error('no such thing')
      if (times === 2) expect(await rowOf('failing')).toMatchObject({ error: 'no such thing' })
    },
  }
  start(job)
  await waitFor('it to end well', async () => times > 1 && (await rowOf('failing'))?.error === '')
})

test('a job whose server has died is another one’s when its time is up; who comes back late ends nothing', async () => {
  const ends: string[] = []
  const dead = Promise.withResolvers<void>()
  const lost = Promise.withResolvers<void>()
  const job = (server: string, until: Promise<void>): Job => ({
    name: 'left',
    schedule: { everyMs: 3_600_000 },
    async run(signal) {
      signal.addEventListener('abort', () => lost.resolve())
      await until
      ends.push(server)
    },
  })
  start(job('paused', dead.promise), 200)
  await waitFor('it to be begun', async () => (await rowOf('left'))?.held_by)
  // As if nothing was heard of that server for as long as it holds it.
  await asOwner(`update jobs set held_until = now() - interval '1 second', held_by = gen_random_uuid()`)
  start(job('other', Promise.resolve()))
  await waitFor('the other one to do it', () => ends.includes('other'))
  const { next_at } = (await rowOf('left'))!
  await lost.promise
  dead.resolve()
  await waitFor('the first one to come back', () => ends.includes('paused'))
  expect((await rowOf('left'))?.next_at).toEqual(next_at)
})

test('what was missed while no server ran is made up for once', async () => {
  let times = 0
  const job: Job = {
    name: 'daily',
    schedule: { hour: 3, minute: 0, timeZone: 'Europe/Zurich', jitterMs: 0 },
    run: async () => void times++,
  }
  await start(job).stop()
  expect((await rowOf('daily'))?.next_at).toSatisfy((next: Date) => next > new Date())
  await asOwner(`update jobs set next_at = now() - interval '9 days'`)
  start(job)
  await waitFor('it to be done', async () => (await rowOf('daily'))?.ended_at)
  expect((await rowOf('daily'))?.next_at).toSatisfy((next: Date) => next > new Date())
  expect(times).toBe(1)
})

test('another schedule counts from the next start on', async () => {
  const run = async () => undefined
  await start({
    name: 'moved',
    schedule: {
      hour: 3,
      minute: 0,
      weekdays: [new Date(Date.now() + 3 * 86_400_000).getUTCDay() || 7],
      timeZone: 'UTC',
      jitterMs: 0,
    },
    run,
  }).stop()
  await start({ name: 'moved', schedule: { hour: 3, minute: 0, timeZone: 'UTC', jitterMs: 0 }, run }).stop()
  const tomorrow = Date.now() + 25 * 3_600_000
  expect((await rowOf('moved'))?.next_at).toSatisfy((next: Date) => next.getTime() < tomorrow)
})

test('a server that is older than the database does none', async () => {
  const job: Job = { name: 'of-old', schedule: { everyMs: 1 }, run: () => expect.unreachable() }
  await asOwner(`insert into schema_migrations (name, sha256) values ('9999-later.sql', '')`)
  try {
    start(job)
    await waitFor('it to be known', () => rowOf('of-old'))
    await started.pop()?.stop()
    expect(await rowOf('of-old')).toMatchObject({ started_at: null })
  } finally {
    await asOwner(`delete from schema_migrations where name = '9999-later.sql'`)
  }
})
