import { expect, test } from 'vitest'
import { createLockTally } from './lock-tally.ts'

const lock = (table: string, mode: string, xactStartMs = 0) => ({ table, mode, xactStartMs })

test('each look stands for the time since the one before, and the strongest mode is told', () => {
  const tally = createLockTally(1_000)
  tally.look(1_200, [lock('a', 'ShareLock', 1_050)])
  tally.look(1_400, [lock('a', 'AccessExclusiveLock', 1_050), lock('b', 'ExclusiveLock', 1_390)])
  tally.look(1_600, [lock('a', 'ShareRowExclusiveLock', 1_050)])
  tally.look(1_800, [])
  expect(tally.list()).toEqual([
    { table: 'a', mode: 'AccessExclusiveLock', heldMs: 550 },
    { table: 'b', mode: 'ExclusiveLock', heldMs: 10 },
  ])
})

test('two who hold a table do not hold it twice as long', () => {
  const tally = createLockTally(0)
  tally.look(200, [lock('a', 'ShareLock', 0), lock('a', 'ShareLock', 150)])
  expect(tally.list()).toEqual([{ table: 'a', mode: 'ShareLock', heldMs: 200 }])
})

test('the time in which nobody looked does not count', () => {
  const tally = createLockTally(0)
  tally.skipTo(10_000)
  tally.look(10_200, [lock('a', 'ShareLock', 0)])
  expect(tally.list()).toEqual([{ table: 'a', mode: 'ShareLock', heldMs: 200 }])
})
