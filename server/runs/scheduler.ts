import { setTimeout as pause } from 'node:timers/promises'
import type { AppContext } from '../context.ts'
import { findUnknownMigrations, newerSchema } from '../db/schema-version.ts'
import type { EngineConfig } from '../operations/steps/wording.ts'
import { advance } from './advance.ts'
import { createTurns, listDueRuns } from './due-runs.ts'
import type { RunOperations } from './operation.ts'

const pollMs = 1_000
/** Runs that a server advances at one time: each takes a connection. */
const places = 4
/** Before a run is tried again that another server was at, or somebody who changed something about it. */
const busyMs = 100
const schemaLookMs = 5_000

export interface Scheduler {
  /** Resolves once the advances under way are done. */
  stop(): Promise<void>
}

/**
 * Advances what is due, in every server process alike and side by side: what another one is at is passed over. A signal is
 * a hint that makes it quick; the poll is what makes it certain. Where a newer server has changed the database it does
 * nothing more, and says so.
 */
export function startScheduler(context: AppContext, operations: RunOperations): Scheduler {
  const { config, db, log, signals } = context
  const engine: EngineConfig = config
  const stopping = new AbortController()
  const { signal } = stopping
  let wake = Promise.withResolvers<void>()
  const off = signals.on('run', () => wake.resolve())
  const turns = createTurns()
  const underWay = new Map<string, Promise<void>>()
  const busy = new Set<string>()

  const forever = async (name: string, body: () => Promise<void>) => {
    while (!signal.aborted) {
      try {
        await body()
      } catch (error) {
        log.warn({ err: error, loop: name }, 'scheduler loop failed; it goes on')
        await pause(pollMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  const passOver = (runId: string, forMs: number) => {
    busy.add(runId)
    setTimeout(() => {
      busy.delete(runId)
      wake.resolve()
    }, forMs).unref()
  }
  const one = async (due: { runId: string; organizationId: string }) => {
    const { runId } = due
    try {
      if (!(await advance(context, engine, operations, due, 'unless-busy'))) passOver(runId, busyMs)
    } catch (error) {
      log.warn({ err: error, run: runId }, 'advance failed; it is tried again')
      // Where even that could not be put on record.
      passOver(runId, pollMs)
    } finally {
      underWay.delete(runId)
      wake.resolve()
    }
  }
  const advancing = forever('advance', async () => {
    wake = Promise.withResolvers()
    const free = places - underWay.size
    const due = free > 0 ? await listDueRuns(db, [...underWay.keys(), ...busy]) : []
    if (signal.aborted) return
    const taken = turns.take(due, free)
    for (const run of taken) underWay.set(run.runId, one(run))
    if (taken.length === 0 || taken.length === free) await idle(wake.promise, signal)
  })

  let unknown = ''
  const watchingSchema = forever('schema', async () => {
    const found = await findUnknownMigrations(db)
    if (found.join() !== unknown && found.length > 0) log.error({ unknown: found }, newerSchema(found))
    unknown = found.join()
    await idle(pause(schemaLookMs, undefined, { ref: false }), signal, schemaLookMs)
  })

  return {
    async stop() {
      stopping.abort()
      off()
      await Promise.all([advancing, watchingSchema])
      await Promise.all(underWay.values())
    },
  }
}

/** Until woken, polled or stopped. */
function idle(woken: Promise<unknown>, stopping: AbortSignal, atMostMs = pollMs): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      stopping.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, atMostMs)
    if (stopping.aborted) return done()
    stopping.addEventListener('abort', done, { once: true })
    woken.then(done, done)
  })
}
