import { formatTime } from '../../lib/words/times.ts'
import { usageError } from '../errors.ts'
import { parseDuration, parseTime } from '../format.ts'

const dayMs = 86_400_000
const defaultDays = 30

/**
 * The span of `--from` and `--to`: days (UTC; the last one is part of it), RFC 3339 times, or how long ago.
 * Default: the 30 days before `to`, which is now. Throws a usage error.
 */
export function parseSpan(
  given: { readonly from?: string; readonly to?: string },
  now = Date.now(),
): { from: Date; to: Date } {
  const to = given.to === undefined ? new Date(now) : parseEnd('--to', given.to, now)
  const from =
    given.from === undefined
      ? new Date(to.getTime() - defaultDays * dayMs)
      : parseEnd('--from', given.from, now)
  if (from >= to)
    throw usageError(`The span begins at ${formatTime(from)}, not before its end at ${formatTime(to)}.`)
  return { from, to }
}

function parseEnd(option: '--from' | '--to', text: string, now: number): Date {
  const ago = parseDuration(text)
  if (ago !== undefined) return new Date(now - ago)
  const time = parseTime(text)
  if (!time)
    throw usageError(
      `${option} ${text} is no time: give a day such as 2026-11-01, a time with its zone such as ` +
        '2026-11-01T09:30:00Z, or how long ago, such as 30d.',
    )
  const isDay = text.length === '2026-11-01'.length
  return isDay && option === '--to' ? new Date(time.getTime() + dayMs) : time
}
