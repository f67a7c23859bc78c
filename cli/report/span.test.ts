import { expect, test } from 'vitest'
import { parseSpan } from './span.ts'

const now = Date.parse('2026-11-24T12:00:00Z')
const span = (from?: string, to?: string) => {
  const { from: start, to: end } = parseSpan({ from, to }, now)
  return [start.toISOString().slice(0, 16), end.toISOString().slice(0, 16)]
}

test.each([
  [undefined, undefined, '2026-10-25T12:00', '2026-11-24T12:00'],
  ['30d', undefined, '2026-10-25T12:00', '2026-11-24T12:00'],
  ['2026-11-01', '2026-11-30', '2026-11-01T00:00', '2026-12-01T00:00'],
  ['2026-11-02', '2026-11-02', '2026-11-02T00:00', '2026-11-03T00:00'],
  [undefined, '2026-03-31', '2026-03-02T00:00', '2026-04-01T00:00'],
  ['2026-11-01T09:30:00+02:00', '12h', '2026-11-01T07:30', '2026-11-24T00:00'],
])('%s to %s', (from, to, start, end) => expect(span(from, to)).toEqual([start, end]))

test.each(['yesterday', '2026-02-30', '2026-13-01', '2026-11-01T09:30', '30', ''])('refuses %j', (from) =>
  expect(() => span(from)).toThrow(/is no time: give a day such as/),
)

test('refuses a span that ends before it begins', () =>
  expect(() => span('2026-11-02', '2026-11-01')).toThrow(/not before its end/))
