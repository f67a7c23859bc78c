/** A moment in the one way that people are told it, `2026-11-01 09:30 UTC`; empty for none. */
export function formatTime(time: Date | string | null | undefined): string {
  if (!time) return ''
  const text = typeof time === 'string' ? time : time.toISOString()
  return `${text.slice(0, 16).replace('T', ' ')} UTC`
}

/** The same to the second, where one comes after another: `2026-11-01 09:30:12 UTC`. */
export const formatMoment = (time: string | null): string =>
  time ? `${time.slice(0, 19).replace('T', ' ')} UTC` : ''
