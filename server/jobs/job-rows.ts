import { sql } from 'kysely'
import type { Databases } from '../db/databases.ts'
import { schemaIsKnown } from '../db/schema-version.ts'
import type { Job } from './job.ts'
import { nextTime, scheduleKey } from './schedule.ts'

type Db = Pick<Databases, 'app'>

/** Makes the job known, due when its schedule says; one that is known with another schedule goes by this one from now on. */
export async function ensureJob({ app }: Db, { name, schedule }: Job): Promise<void> {
  const wanted = { schedule: scheduleKey(schedule), next_at: firstTime(schedule) }
  await app
    .insertInto('jobs')
    .values({ name, ...wanted })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet(wanted).where('jobs.schedule', '<>', wanted.schedule),
    )
    .execute()
}

/** What is done every so often begins at once. */
const firstTime = (schedule: Job['schedule']): Date =>
  'everyMs' in schedule ? new Date() : nextTime(schedule, new Date())

/** Whether the job is this holder's now: it was due, nobody was at it, and the database is not newer than this server. */
export async function takeJob({ app }: Db, name: string, holder: string, holdMs: number): Promise<boolean> {
  const taken = await app
    .updateTable('jobs')
    .set({ held_by: holder, held_until: until(holdMs), started_at: sql<Date>`now()` })
    .where('name', '=', name)
    .where('next_at', '<=', sql<Date>`now()`)
    .where((eb) => eb.or([eb('held_until', 'is', null), eb('held_until', '<', sql<Date>`now()`)]))
    .where(schemaIsKnown)
    .returning('name')
    .executeTakeFirst()
  return taken !== undefined
}

/** False where another one has it by now. */
export async function keepJob({ app }: Db, name: string, holder: string, holdMs: number): Promise<boolean> {
  const kept = await app
    .updateTable('jobs')
    .set({ held_until: until(holdMs) })
    .where('name', '=', name)
    .where('held_by', '=', holder)
    .returning('name')
    .executeTakeFirst()
  return kept !== undefined
}

/** @param error of its end; empty: it ended well. */
export async function endJob(
  { app }: Db,
  { name, schedule }: Job,
  holder: string,
  error: string,
): Promise<void> {
  await app
    .updateTable('jobs')
    .set({ held_by: null, held_until: null, ended_at: sql<Date>`now()`, error })
    .set({ next_at: nextTime(schedule, new Date()) })
    .where('name', '=', name)
    .where('held_by', '=', holder)
    .execute()
}

export async function listDueJobs({ app }: Db): Promise<string[]> {
  const rows = await app
    .selectFrom('jobs')
    .select('name')
    .where('next_at', '<=', sql<Date>`now()`)
    .where((eb) => eb.or([eb('held_until', 'is', null), eb('held_until', '<', sql<Date>`now()`)]))
    .where(schemaIsKnown)
    .execute()
  return rows.map(({ name }) => name)
}

const until = (holdMs: number) => sql<Date>`now() + ${holdMs} * interval '1 millisecond'`
