import { expect, it } from 'vitest'
import { backoffMs } from './backoff.ts'

it('waits twice as long after each attempt, and never longer than 5 minutes', () => {
  expect([1, 2, 3, 6, 7, 8, 10_000].map(backoffMs)).toEqual([
    5_000, 10_000, 20_000, 160_000, 300_000, 300_000, 300_000,
  ])
})
