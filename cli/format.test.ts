import { expect, test } from 'vitest'
import { formatAge, formatBytes, formatDuration, parseDuration, shortDigest } from './format.ts'

test.each([
  [0, '0ms'],
  [850, '850ms'],
  [4_210, '4.2s'],
  [59_949, '59.9s'],
  [59_960, '1m 00s'],
  [65_000, '1m 05s'],
  [7_380_000, '2h 03m'],
])('%d ms is %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
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
  ['10 m', undefined],
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
  expect(formatAge('2026-03-01T11:59:30Z', now)).toBe('30s ago')
  expect(formatAge('2026-03-01T09:00:00Z', now)).toBe('3h ago')
  expect(formatAge('2026-01-01T09:00:00Z', now)).toBe('2026-01-01')
  expect(formatAge(null)).toBe('')
})

test('a digest is cut where it still tells', () => {
  expect(shortDigest(`sha256:${'ab'.repeat(32)}`)).toBe('sha256:abababababab')
  expect(shortDigest(null)).toBe('')
})
