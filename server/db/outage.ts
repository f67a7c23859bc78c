import { messageOf } from '../errors.ts'

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

const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}

/** The database is down, or cannot be reached. */
export const isOutage = (error: unknown): boolean =>
  codes.has(codeOf(error)) || /^08...$/.test(codeOf(error)) || messages.test(messageOf(error))

/** Others were in the way for too long: see `waits` of databases.ts. */
export const isOverdue = (error: unknown): boolean => ['55P03', '57014', '25P03'].includes(codeOf(error))

/** Others were in the way, or the database was slow, for a statement that may be all right. */
export const isContention = (error: unknown): boolean =>
  isOverdue(error) || ['40001', '40P01'].includes(codeOf(error))

/**
 * Something is away or used up that comes back without the server: the database, a lock that somebody keeps, room on a
 * disk. It says nothing about what was done, however often it happens.
 */
export const isShortage = (error: unknown): boolean =>
  isOutage(error) ||
  codeOf(error) === '55P03' ||
  /^(53...|ENOSPC|EDQUOT|EMFILE|ENFILE|EROFS|EIO)$/.test(codeOf(error))
