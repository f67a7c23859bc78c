import { expect, test } from 'vitest'
import { pauseAfter } from './fail-poll.ts'

test('it is asked less often with each failure, up to an hour, or what it waits anyway', () => {
  expect(pauseAfter(60, 1, 0)).toBeGreaterThan(100_000)
  expect(pauseAfter(60, 1, 0)).toBeLessThan(140_000)
  expect(pauseAfter(60, 40, 0)).toBeLessThanOrEqual(3_960_000)
  expect(pauseAfter(86_400, 3, 0)).toBeGreaterThan(77_000_000)
})

test('what takes long takes a tenth of the time at most', () => {
  expect(pauseAfter(60, 1, 30_000)).toBeGreaterThanOrEqual(300_000)
})
