import { expect, test } from 'vitest'
import { matchesGlob } from './name-glob.ts'

test.each([
  ['*', 'web', true],
  ['*', '', true],
  ['web_*', 'web_x', true],
  ['web_*', 'web', false],
  ['?eb', 'web', true],
  ['?eb', 'eb', false],
  ['[a-c]x', 'bx', true],
  ['[!a-c]x', 'bx', false],
  ['[!a-c]x', 'dx', true],
  ['[ab-]', '-', true],
  ['a[', 'a[', true],
  ['web.x', 'webax', false],
  ['*_l10n_*_x', 'a_l10n_b_x', true],
])('%s %s', (pattern, name, fits) => {
  expect(matchesGlob(pattern, name)).toBe(fits)
})

test('a pattern of nothing but stars takes no longer', () => {
  const started = performance.now()
  expect(matchesGlob(`${'*a'.repeat(60)}b`, 'a'.repeat(128))).toBe(false)
  expect(performance.now() - started).toBeLessThan(500)
})
