import { usageError } from './errors.ts'
import { parseDuration } from './format.ts'

/** Seconds; 0 for `off`; undefined where nothing was given. Throws a usage error. */
export function pollSeconds(text: string | undefined): number | undefined {
  if (text === undefined || text === 'off') return text === 'off' ? 0 : undefined
  const ms = parseDuration(text)
  if (ms === undefined || ms < 60_000 || ms > 86_400_000)
    throw usageError(`--poll ${text}: give a time from 1m to 24h, such as 5m, or off.`)
  return Math.round(ms / 1_000)
}
