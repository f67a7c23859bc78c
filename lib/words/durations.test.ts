import { expect, test } from 'vitest'
import { formatAgo, formatDuration } from './durations.ts'
import { formatTime } from './times.ts'

const minute = 60_000
const hour = 60 * minute

test.each([
  [0, '0 s'],
  [0.4, '0 s'],
  [410, '410 ms'],
  [999.4, '999 ms'],
  [999.6, '1 s'],
  [1_000, '1 s'],
  [4_210, '4.2 s'],
  [9_949, '9.9 s'],
  [9_960, '10 s'],
  [14_200, '14 s'],
  [59_600, '1 min'],
  [65_000, '1 min 5 s'],
  [59 * minute + 59_600, '1 h'],
  [3 * hour + 12 * minute + 9_000, '3 h 12 min'],
  [24 * hour, '1 d'],
  [52 * hour, '2 d 4 h'],
])('%d ms is %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

test.each([
  [-500, '0 s ago'],
  [30_900, '30 s ago'],
  [3 * hour + 59 * minute, '3 h ago'],
  [47 * hour, '1 d ago'],
])('%d ms before is %s', (ms, text) => {
  expect(formatAgo(ms)).toBe(text)
})

test.each([
  ['2026-11-01T09:30:59.123Z', '2026-11-01 09:30 UTC'],
  [new Date('2026-11-01T09:30:59Z'), '2026-11-01 09:30 UTC'],
  [null, ''],
  [undefined, ''],
  ['', ''],
])('the moment %s is %s', (time, text) => {
  expect(formatTime(time)).toBe(text)
})
