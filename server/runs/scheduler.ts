import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import type { AppContext } from '../context.ts'
import { expireApprovals } from '../governance/approvals/expiry.ts'
import { forgetPasswords } from '../governance/forget-passwords.ts'
import type { EngineConfig } from '../operations/steps/wording.ts'
import { advance } from './advance.ts'
import { destroyExpired } from './expired-environments.ts'
import { destroyGoneBranches } from './gone-branches.ts'
import { lookAtPasswordsDaily } from './password-looks.ts'
import type { Pipelines } from './types.ts'

const pollMs = 1_000
const batch = 50
const housekeepingMs = 5_000

export interface Scheduler {
  /** Resolves once the advance under way is done. */
  stop(): Promise<void>
}

/**
 * Advances what is due, in every server process alike. A signal is a hint that makes it quick; the poll is what
 * makes it certain.
 */
export function startScheduler(context: AppContext, pipelines: Pipelines): Scheduler {
  const { config, log, signals } = context
  const engine: EngineConfig = config
  const stopping = new AbortController()
  let wake = Promise.withResolvers<void>()
  const off = signals.on('run', () => wake.resolve())

  const forever = async (name: string, body: () => Promise<void>) => {
    while (!stopping.signal.aborted) {
      try {
        await body()
      } catch (error) {
        log.warn({ err: error, loop: name }, 'scheduler loop failed; it goes on')
        await pause(pollMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      }
    }
  }

  const advancing = forever('advance', async () => {
    wake = Promise.withResolvers()
    const due = await listDue(context)
    for (const run of due) {
      if (stopping.signal.aborted) return
      await advance(context, engine, pipelines, run).catch((error: unknown) => {
        log.warn({ err: error, run: run.runId }, 'advance failed; it is tried again')
      })
    }
    if (due.length < batch) await idle(wake.promise, stopping.signal)
  })

  const housekeeping = forever('housekeeping', async () => {
    await destroyGoneBranches(context)
    await destroyExpired(context)
    await expireApprovals(context)
    await forgetPasswords(context)
    await lookAtPasswordsDaily(context)
    await idle(pause(housekeepingMs, undefined, { ref: false }), stopping.signal, housekeepingMs)
  })

  return {
    async stop() {
      stopping.abort()
      off()
      await Promise.all([advancing, housekeeping])
    },
  }
}

async function listDue({ db }: AppContext): Promise<{ runId: string; organizationId: string }[]> {
  return db.scheduler
    .selectFrom('runs')
    .select(['id as runId', 'organization_id as organizationId'])
    .where('advance_at', '<=', sql<Date>`now()`)
    .orderBy('advance_at')
    .limit(batch)
    .execute()
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
