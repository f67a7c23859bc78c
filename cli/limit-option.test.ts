import { expect, test } from 'vitest'
import { limitOf } from './limit-option.ts'

test.each([
  [undefined, 0],
  ['1', 1],
  ['500', 500],
])('--limit %s asks for %s', (limit, asked) => expect(limitOf({ limit })).toBe(asked))

test.each(['0', '501', '-1', '1.5', '', 'x', '1e2', ' 5'])('--limit %j is refused', (limit) =>
  expect(() => limitOf({ limit })).toThrow('--limit takes a number from 1 to 500'),
)
