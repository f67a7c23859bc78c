import { usageError } from './errors.ts'
import { parseDuration, parseTime } from './format.ts'

/**
 * Seconds that something is to live: a duration such as 90m, 8h or 2d, or until an RFC 3339 time. 0 where nothing was
 * given: the server's default. Throws a usage error.
 */
export function lifetimeOf(flag: string, text: string | undefined, now = Date.now()): bigint {
  if (text === undefined) return 0n
  const until = parseTime(text)
  const ms = until ? until.getTime() - now : parseDuration(text)
  if (ms === undefined)
    throw usageError(`${flag} ${text} is no time: give one like 90m, 8h, 2d or 2026-01-31T09:30:00Z.`)
  if (ms < 1_000) throw usageError(`${flag} ${text} is over already.`)
  return BigInt(Math.ceil(ms / 1_000))
}
