import { DateTime, IANAZone } from 'luxon'

/** `2026-12-24`, or `12-24` of every year; a day that exists (February 29 as a yearly one). */
export function isDate(text: string): boolean {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return DateTime.fromISO(text).isValid
  return /^\d{2}-\d{2}$/.test(text) && DateTime.fromISO(`2028-${text}`).isValid
}

export const isTimeZone = (text: string): boolean => text === 'UTC' || IANAZone.isValidZone(text)
