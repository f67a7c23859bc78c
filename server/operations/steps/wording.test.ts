import { expect, test } from 'vitest'
import { minutes, updateTimeoutMs } from './wording.ts'

test('an update has several times what its rehearsal took, and never less than an hour', () => {
  expect(updateTimeoutMs(minutes(40), minutes(90))).toBe(minutes(160))
  expect(updateTimeoutMs(minutes(1), minutes(90))).toBe(minutes(60))
})

test('one that nobody has rehearsed has as long as a run', () => {
  expect(updateTimeoutMs(undefined, minutes(90))).toBe(minutes(90))
  expect(updateTimeoutMs(undefined, minutes(10))).toBe(minutes(60))
})
