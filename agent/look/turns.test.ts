import { expect, test } from 'vitest'
import { createTurns } from './turns.ts'

const never = new AbortController().signal

test('so many at a time, in order, and a failure gives its turn on', async () => {
  const turns = createTurns(2)
  const began: number[] = []
  const ends = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
  const all = ends.map(({ promise }, at) =>
    turns.take(never, async () => {
      began.push(at)
      await promise
    }),
  )
  expect(began).toEqual([0, 1])
  ends[1]?.reject(new Error('no'))
  await expect(all[1]).rejects.toThrow('no')
  expect(began).toEqual([0, 1, 2])
  for (const { resolve } of ends) resolve()
  await Promise.allSettled(all)
  expect(began).toEqual([0, 1, 2, 3])
})

test('who gives up while waiting takes no turn', async () => {
  const turns = createTurns(1)
  const end = Promise.withResolvers<void>()
  const first = turns.take(never, () => end.promise)
  const leaving = new AbortController()
  const second = turns.take(leaving.signal, async () => 'second')
  const third = turns.take(never, async () => 'third')
  leaving.abort(new Error('left'))
  await expect(second).rejects.toThrow('left')
  end.resolve()
  await first
  expect(await third).toBe('third')
})
