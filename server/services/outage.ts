import { DomainError, messageOf } from '../errors.ts'

/** PostgreSQL going down or coming up, out of connections, or unreachable. */
const codes = new Set([
  '57P01',
  '57P02',
  '57P03',
  '53300',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
])
/** What pg says without a code. */
const messages =
  /Connection terminated|connection timeout|timeout exceeded when trying to connect|not queryable|driver has already been destroyed|Cannot use a pool after calling end/i

/** The error as `unavailable` when it says that the database is down; else undefined. */
export function outageOf(error: unknown): DomainError | undefined {
  const code = (error as { code?: unknown } | null)?.code
  const known = typeof code === 'string' && (codes.has(code) || /^08...$/.test(code))
  if (!known && !messages.test(messageOf(error))) return undefined
  return new DomainError(
    'unavailable',
    'database-unavailable',
    'The server’s database does not answer at the moment. Try again shortly.',
    { cause: error },
  )
}
