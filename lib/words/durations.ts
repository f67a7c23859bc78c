const unitsMs = { s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const

/**
 * How long, in the one way that people are told it: `410 ms`, `4.2 s`, `14 s`, `2 min 5 s`, `3 h 12 min`, `2 d 4 h`. Never
 * more exact than its two largest units.
 */
export function formatDuration(ms: number): string {
  if (Math.round(ms) < 1) return '0 s'
  if (Math.round(ms) < unitsMs.s) return `${Math.round(ms)} ms`
  if (ms < 9_950) return `${(ms / unitsMs.s).toFixed(1).replace(/\.0$/, '')} s`
  const seconds = Math.round(ms / unitsMs.s)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return inTwo(minutes, 'min', seconds % 60, 's')
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return inTwo(hours, 'h', minutes % 60, 'min')
  return inTwo(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

const inTwo = (most: number, unit: string, rest: number, smaller: string): string =>
  rest === 0 ? `${most} ${unit}` : `${most} ${unit} ${rest} ${smaller}`

/** How long ago, in one unit: `30 s ago`, `3 h ago`. */
export function formatAgo(ms: number): string {
  const units = Object.entries(unitsMs).toReversed()
  const [unit, size] = units.find(([, each]) => ms >= each) ?? ['s', unitsMs.s]
  return `${Math.max(0, Math.floor(ms / size))} ${unit} ago`
}
