import { expect, test } from 'vitest'
import { formatBytes } from '../lib/words/bytes.ts'
import { counted, formatAge, parseDuration, parseTime } from './format.ts'

test.each([
  [1, 'row', '1 row'],
  [1_204, 'row', '1,204 rows'],
  [2, 'index', '2 indexes'],
])('%d %s is %s', (count, noun, text) => {
  expect(counted(count, noun)).toBe(text)
})

test.each([
  ['90s', 90_000],
  ['10m', 600_000],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['2d', 172_800_000],
  ['250ms', 250],
  ['10', undefined],
  ['', undefined],
  ['m', undefined],
  ['3 h 12 min', 11_520_000],
  ['10 m', 600_000],
  ['1 0m', undefined],
])('the duration %j is %s ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test('sizes and ages', () => {
  expect([0, 1023, 1024, 1_610_612_736, 214_748_364_800].map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 GiB',
    '200 GiB',
  ])
  const now = Date.parse('2026-03-01T12:00:00Z')
  expect(formatAge('2026-03-01T11:59:30Z', now)).toBe('30 s ago')
  expect(formatAge('2026-03-01T09:00:00Z', now)).toBe('3 h ago')
  expect(formatAge('2026-01-01T09:00:00Z', now)).toBe('2026-01-01')
  expect(formatAge(null)).toBe('')
})

test.each([
  ['2026-11-01', '2026-11-01T00:00:00.000Z'],
  ['2026-11-01T09:30Z', '2026-11-01T09:30:00.000Z'],
  ['2026-11-01t23:30:00.5-02:00', '2026-11-02T01:30:00.500Z'],
  ['2026-02-30', undefined],
  ['2026-02-30T09:30:00Z', undefined],
  ['2026-11-01T09:30', undefined],
  ['2026-11-01T25:00Z', undefined],
  ['5', undefined],
  ['', undefined],
])('the time %j is %s', (text, time) => {
  expect(parseTime(text)?.toISOString()).toBe(time)
})
