import type { AppContext } from '../context.ts'
import { findUnknownMigrations, newerSchema } from '../db/schema-version.ts'

const deadlineMs = 2_000

/**
 * Why nothing is to be sent to this server, in a word; undefined: it is ready. Its database answers within two seconds, and
 * was not changed by a newer server.
 */
export async function findUnreadiness({ db, log }: AppContext): Promise<string | undefined> {
  const late = AbortSignal.timeout(deadlineMs)
  const timedOut = new Promise<never>((_, reject) => {
    late.addEventListener('abort', () => reject(late.reason as Error), { once: true })
  })
  try {
    const unknown = await Promise.race([findUnknownMigrations(db), timedOut])
    return unknown.length > 0 ? newerSchema(unknown) : undefined
  } catch (error) {
    log.warn({ err: error }, 'database does not answer')
    return 'database unavailable'
  }
}
