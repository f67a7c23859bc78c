import { expect, test } from 'vitest'
import { parseTime } from './payload.ts'

test.each([
  ['2026-11-30T08:00:00Z', '2026-11-30T08:00:00.000Z'],
  ['2026-11-30T09:00:00+01:00', '2026-11-30T08:00:00.000Z'],
  [1_796_025_600, '2026-11-30T08:00:00.000Z'],
])('%s is a time', (value, time) => expect(parseTime(value)?.toISOString()).toBe(time))

test.each([
  undefined,
  null,
  '',
  'yesterday',
  '2026-11-30',
  '2026-99-99T00:00:00Z',
  '+275760-09-13T00:00:00Z',
  0,
  -1,
  1e300,
  Number.NaN,
  {},
])('%j is none', (value) => expect(parseTime(value)).toBe(undefined))
