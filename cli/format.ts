import { formatAgo } from '../lib/words/durations.ts'

/** `1,204` */
export const formatCount = (count: number): string => count.toLocaleString('en-US')

/** `2 modules`, `1 module` */
export const counted = (count: number, noun: string): string =>
  `${formatCount(count)} ${noun}${count === 1 ? '' : noun.endsWith('x') ? 'es' : 's'}`

/** How long ago, in one unit; the date where that is more than 30 days. */
export function formatAge(time: string | null, now = Date.now()): string {
  if (!time) return ''
  const ms = now - Date.parse(time)
  return ms < 30 * 86_400_000 ? formatAgo(ms) : time.slice(0, 10)
}

const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of `90s`, `10m`, `1h30m`, and of `3 h 12 min` as it is printed; undefined for anything else. */
export function parseDuration(written: string): number | undefined {
  const text = written.replaceAll(' ', '')
  if (/\d \d/.test(written) || !/^(\d+(\.\d+)?(ms|s|min|m|h|d))+$/.test(text)) return undefined
  let ms = 0
  for (const [, value, unit] of text.matchAll(/(?<!\d)(\d+(?:\.\d+)?)(ms|s|min|m|h|d)/g)) {
    ms += Number(value) * (units[unit ?? ''] ?? 0)
  }
  return ms
}

/** A day (UTC), or an RFC 3339 time with its zone; undefined for anything else, days that no calendar has included. */
export function parseTime(text: string): Date | undefined {
  const isTime = /^\d{4}-\d\d-\d\d([Tt]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d))?$/.test(text)
  const day = new Date(text.slice(0, 10))
  const time = new Date(text)
  if (!isTime || Number.isNaN(day.getTime()) || Number.isNaN(time.getTime())) return undefined
  return text.startsWith(day.toISOString().slice(0, 10)) ? time : undefined
}
