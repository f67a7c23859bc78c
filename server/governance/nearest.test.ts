import { expect, test } from 'vitest'
import { permissions } from './matrix.ts'
import { didYouMean } from './nearest.ts'

test.each([
  ['build.strat', ' Did you mean build.start?'],
  ['shel', ' Did you mean shell?'],
  ['build.start', ' Did you mean build.start?'],
  ['entirely else', ''],
  ['', ''],
])('%s', (word, expected) => {
  expect(didYouMean(word, permissions)).toBe(expected)
})
