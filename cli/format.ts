/** `850ms`, `4.2s`, `1m 05s`, `2h 03m`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)}s`
  const seconds = Math.round(ms / 1_000)
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60), seconds % 60]
  const two = (value: number) => String(value).padStart(2, '0')
  return h > 0 ? `${h}h ${two(m)}m` : `${m}m ${two(s)}s`
}

/** For sentences, in the two largest units: `14 s`, `2 min 5 s`, `3 h 12 min`, `2 d 4 h`. */
export function formatSpan(ms: number): string {
  if (ms < 1_000) return 'less than a second'
  const seconds = Math.round(ms / 1_000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return inTwo(minutes, 'min', seconds % 60, 's')
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return inTwo(hours, 'h', minutes % 60, 'min')
  return inTwo(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

const inTwo = (most: number, unit: string, rest: number, smaller: string): string =>
  rest === 0 ? `${most} ${unit}` : `${most} ${unit} ${rest} ${smaller}`

/** `1,204` */
export const formatCount = (count: number): string => count.toLocaleString('en-US')

/** `2 modules`, `1 module` */
export const counted = (count: number, noun: string): string =>
  `${formatCount(count)} ${noun}${count === 1 ? '' : noun.endsWith('x') ? 'es' : 's'}`

export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** How long ago, in one unit; the date where that is more than 30 days. */
export function formatAge(time: string | null, now = Date.now()): string {
  if (!time) return ''
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1_000))
  if (seconds < 60) return `${seconds}s ago`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h ago`
  if (seconds < 30 * 86_400) return `${Math.floor(seconds / 86_400)}d ago`
  return time.slice(0, 10)
}

/** `2026-11-01 09:30` in UTC. */
export const minuteOf = (time: string | null): string => (time ?? '').slice(0, 16).replace('T', ' ')

/** `2026-11-01 09:30 UTC`, wherever a time is said that is not how long ago; empty for none. */
export const formatTime = (time: string | null | undefined): string => (time ? `${minuteOf(time)} UTC` : '')

const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of `90s`, `10m`, `2h`, `1d`, `1h30m`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined
  let ms = 0
  for (const [, value, unit] of text.matchAll(/(?<!\d)(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
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
