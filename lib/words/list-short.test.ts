import { expect, test } from 'vitest'
import { listSentences, listShort } from './list-short.ts'

test('names end with how many are not shown', () => {
  expect(listShort([], 2)).toBe('')
  expect(listShort(['a', 'b'], 2)).toBe('a, b')
  expect(listShort(['a', 'b', 'c'], 2)).toBe('a, b and 1 more')
})

test('sentences are told apart by semicolons', () => {
  expect(listSentences(['a, x', 'b'], 2)).toBe('a, x; b')
  expect(listSentences(['a, x', 'b', 'c', 'd'], 2)).toBe('a, x; b; and 2 more')
})

test('nothing is described that is not shown', () => {
  const described: number[] = []
  const describe = (one: number) => `#${described.push(one)}`
  expect(listShort([7, 8, 9], 1, describe)).toBe('#1 and 2 more')
  expect(described).toEqual([7])
})
