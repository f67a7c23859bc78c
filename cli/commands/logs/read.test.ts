import { expect, test } from 'vitest'
import { parseSince } from './read.ts'

const now = Date.parse('2026-03-01T12:00:00Z')

test.each([
  ['10m', '2026-03-01T11:50:00.000Z'],
  ['2026-01-31T09:30:00Z', '2026-01-31T09:30:00.000Z'],
  ['2026-01-31T09:30:00+02:00', '2026-01-31T07:30:00.000Z'],
  ['2026-01-31', '2026-01-31T00:00:00.000Z'],
])('--since %s is %s', (text, expected) => {
  expect(parseSince(text, now)?.toISOString()).toBe(expected)
})

test.each(['yesterday', '5', '2026-13-01', '1 0m', ''])('--since %j is refused', (text) => {
  expect(() => parseSince(text, now)).toThrow('is no time')
})
