import { expect, test } from 'vitest'
import type { TableFacts } from './catalog.ts'
import { type Count, compareCounts } from './row-counts.ts'

const side = (rows: Record<string, [rows: number | null, guess?: number]>) => ({
  counts: Object.entries(rows).map(
    ([table, [counted, guess]]): Count => ({ table, rows: counted, exact: guess === undefined }),
  ),
  tables: Object.entries(rows).map(
    ([name, [, guess]]) => ({ name, estimatedRows: guess ?? 1_000 }) as TableFacts,
  ),
})

test('what changed most comes first; what is new had none, what is gone has none', () => {
  const before = side({ same: [5], fewer: [10], gone: [3] })
  const after = side({ same: [5], fewer: [4], fresh: [7] })
  expect(compareCounts(before, after)).toEqual({
    changes: [
      { table: 'fresh', before: 0, after: 7 },
      { table: 'fewer', before: 10, after: 4 },
      { table: 'gone', before: 3, after: 0 },
    ],
    estimated: [],
  })
})

test('a count is never compared with a guess', () => {
  const before = side({ large: [1_234], huge: [50, 50] })
  const after = side({ large: [1_000, 1_000], huge: [90, 90] })
  expect(compareCounts(before, after)).toEqual({
    changes: [{ table: 'huge', before: 50, after: 90 }],
    estimated: ['huge', 'large'],
  })
})

test('where nobody can guess nothing is said but that', () => {
  const unknown = { counts: [{ table: 'a', rows: null, exact: false }], tables: [] }
  expect(compareCounts(unknown, unknown)).toEqual({ changes: [], estimated: ['a'] })
})
