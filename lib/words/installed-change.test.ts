import { expect, test } from 'vitest'
import { installedChange } from './installed-change.ts'

test.each<[string[], string[], string]>([
  [['a', 'b'], ['b', 'a'], ''],
  [['a'], [], 'a was uninstalled'],
  [[], ['a', 'b'], 'a, b were installed'],
  [['old'], ['new'], 'new was installed; old was uninstalled'],
  [[], [...'abcdefg'], 'a, b, c, d, e and 2 more were installed'],
])('%j, now %j: %s', (before, after, said) => {
  expect(installedChange(before, after)).toBe(said)
})
