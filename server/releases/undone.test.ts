import { expect, test } from 'vitest'
import type { ReleaseRow } from './release-rows.ts'
import { changedSince, findBefore } from './undone.ts'

interface Past {
  /** Whether it changed the data; a rollback with data does. */
  readonly moved?: boolean
  /** A rollback: the number of the release that it went back to. */
  readonly to?: number
  readonly withData?: boolean
}

/** From the first release on; each has an image of its own, but a rollback has that of what it went back to. */
function releasesOf(past: readonly Past[]): ReleaseRow[] {
  const rows: ReleaseRow[] = []
  for (const [index, { moved = false, to, withData = false }] of past.entries()) {
    const number = index + 1
    const digest = to === undefined ? `image ${number}` : rows[to - 1]?.digest
    const snapshot = moved || withData ? { id: `data before ${number}` } : undefined
    const backTo = to === undefined ? undefined : `release ${to}`
    rows.push({ id: `release ${number}`, number, digest, backTo, withData, snapshot } as ReleaseRow)
  }
  return rows.toReversed()
}

const numbers = (rows: readonly ReleaseRow[]) => rows.map(({ number }) => number)
const since = (past: readonly Past[], target: number) => {
  const rows = releasesOf(past)
  return numbers(changedSince(rows, rows.find(({ number }) => number === target) as ReleaseRow))
}

const change: Past = { moved: true }
const back = (to: number): Past => ({ to, withData: true })

test('what a rollback with data undid has changed nothing', () => {
  expect(since([{}, change, change], 1)).toEqual([3, 2])
  expect(since([{}, change, change, back(2)], 1)).toEqual([2])
  expect(since([{}, change, change, back(1)], 1)).toEqual([])
  expect(since([{}, change, change, back(2), change], 1)).toEqual([5, 2])
  // One behind another, and one that undoes a rollback.
  expect(since([{}, change, change, back(2), back(1)], 1)).toEqual([])
  expect(since([{}, change, back(1), back(2)], 1)).toEqual([2])
})

test('one that took the data further back than the target stands in its way', () => {
  expect(since([{}, change, back(1)], 2)).toEqual([3])
  expect(since([{}, change, change, back(1), change], 3)).toEqual([5, 4])
})

test('data that nobody changed before the undone release are not undone', () => {
  expect(since([{}, {}, change, back(1)], 1)).toEqual([2])
  expect(since([{}, change, { to: 1 }], 1)).toEqual([3, 2])
})

test('a rollback goes to what was served before, and another one further back', () => {
  const before = (past: readonly Past[]) => findBefore(releasesOf(past))?.number
  expect(before([])).toBeUndefined()
  expect(before([{}])).toBeUndefined()
  expect(before([{}, {}, {}])).toBe(2)
  expect(before([{}, {}, {}, back(2)])).toBe(1)
  expect(before([{}, {}, {}, { to: 2 }, { to: 1 }])).toBeUndefined()
  // What came after a rollback goes back to what the rollback served.
  expect(before([{}, {}, back(1), {}])).toBe(3)
  expect(before([{}, {}, back(1), {}, back(3)])).toBeUndefined()
})
