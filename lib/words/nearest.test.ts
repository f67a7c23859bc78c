import { expect, test } from 'vitest'
import { didYouMean } from './nearest.ts'

const known = ['build.start', 'build.cancel', 'shell', 'days', 'from', 'to']

test.each([
  ['build.strat', ' Did you mean build.start?'],
  ['Build.start', ' Did you mean build.start?'],
  ['shel', ' Did you mean shell?'],
  ['frm', ' Did you mean from?'],
  // What is known is refused for another reason.
  ['build.start', ''],
  ['days', ''],
  ['entirely else', ''],
  ['', ''],
])('%s', (word, expected) => {
  expect(didYouMean(word, known)).toBe(expected)
})
