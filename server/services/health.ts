import { sql } from 'kysely'
import type { AppContext } from '../context.ts'

const deadlineMs = 2_000

/** Whether the database answers within two seconds. */
export async function isReady({ db, log }: AppContext): Promise<boolean> {
  const late = AbortSignal.timeout(deadlineMs)
  const timedOut = new Promise<never>((_, reject) => {
    late.addEventListener('abort', () => reject(late.reason as Error), { once: true })
  })
  try {
    await Promise.race([sql`select 1`.execute(db.scheduler), timedOut])
    return true
  } catch (error) {
    log.warn({ err: error }, 'database does not answer')
    return false
  }
}
