import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { AppContext } from '../context.ts'
import { messageOf } from '../errors.ts'
import type { Job } from './job.ts'
import { endJob, ensureJob, keepJob, listDueJobs, takeJob } from './job-rows.ts'

export interface Jobs {
  /** Resolves once the jobs under way have ended. */
  stop(): Promise<void>
}

export interface JobTimes {
  readonly lookEveryMs: number
  /** A server that says nothing for so long has lost its job to another one. */
  readonly holdMs: number
}

const defaultTimes: JobTimes = { lookEveryMs: 1_000, holdMs: 60_000 }

/** Does the jobs that are due, in every server process alike: who takes one keeps the others from it. */
export function startJobs(
  { db, log }: Pick<AppContext, 'db' | 'log'>,
  jobs: readonly Job[],
  times: JobTimes = defaultTimes,
): Jobs {
  const stopping = new AbortController()
  const { signal } = stopping
  const underWay = new Map<string, Promise<void>>()
  let known = false

  const one = async (job: Job) => {
    const holder = randomUUID()
    if (!(await takeJob(db, job.name, holder, times.holdMs))) return
    const lost = new AbortController()
    const keeping = setInterval(() => {
      keepJob(db, job.name, holder, times.holdMs).then(
        (kept) => kept || lost.abort(new Error('another server has taken the job over')),
        (error: unknown) => log.warn({ err: error, job: job.name }, 'a job could not be kept yet'),
      )
    }, times.holdMs / 4)
    let fault = ''
    try {
      await job.run(AbortSignal.any([signal, lost.signal]))
    } catch (error) {
      fault = messageOf(error) || 'it failed'
      log.warn({ err: error, job: job.name }, 'a job failed; it is done again when it is time')
    } finally {
      clearInterval(keeping)
    }
    await endJob(db, job, holder, fault)
  }
  const round = async () => {
    if (!known) for (const job of jobs) await ensureJob(db, job)
    known = true
    const due = new Set(await listDueJobs(db))
    for (const job of jobs) {
      if (!due.has(job.name) || underWay.has(job.name) || signal.aborted) continue
      const done = one(job)
        .catch((error: unknown) => log.warn({ err: error, job: job.name }, 'a job’s end could not be noted'))
        .finally(() => underWay.delete(job.name))
      underWay.set(job.name, done)
    }
  }
  const looking = (async () => {
    while (!signal.aborted) {
      await round().catch((error: unknown) => log.warn({ err: error }, 'jobs are looked at again soon'))
      await pause(times.lookEveryMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
  })()
  return {
    async stop() {
      stopping.abort(new Error('the server is stopping'))
      await looking
      await Promise.all(underWay.values())
    },
  }
}
