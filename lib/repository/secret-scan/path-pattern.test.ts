import { describe, expect, test } from 'vitest'
import { pathPattern } from './path-pattern.ts'

describe('a pattern of paths', () => {
  test.each([
    [
      'tests/data/**',
      ['tests/data/a', 'tests/data/.key', 'tests/data/b/c.pem'],
      ['tests/data', 'x/tests/data/a'],
    ],
    ['**', ['a', '.env', 'a/b'], []],
    ['**/fixtures/*.pem', ['fixtures/a.pem', 'x/y/fixtures/a.pem'], ['fixtures/a/b.pem', 'afixtures/a.pem']],
    ['sale_x/?.txt', ['sale_x/a.txt'], ['sale_x/ab.txt', 'sale_x//.txt']],
    ['a.py', ['a.py'], ['axpy', 'b/a.py']],
    ['docs/*', ['docs/a', 'docs/.a'], ['docs/a/b', 'docs']],
    ['a+b (1).txt', ['a+b (1).txt'], ['aab (1).txt']],
  ])('%s', (pattern, meant, others) => {
    const matches = (path: string) => pathPattern(pattern).test(path)
    expect(meant.filter((path) => !matches(path))).toEqual([])
    expect(others.filter(matches)).toEqual([])
  })
})
