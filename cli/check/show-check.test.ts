import { expect, test } from 'vitest'
import type { Finding } from './findings.ts'
import { withPlace } from './show-check.ts'

const finding = (message: string): Finding => ({ level: 'error', reason: '', message, stages: [] })

test.each([
  [
    'sale_x/__manifest__.py:3:14: only literal values',
    { file: 'sale_x/__manifest__.py', line: 3, column: 14 },
  ],
  ['fairway.yaml:2:1: unknown key', { file: 'fairway.yaml', line: 2, column: 1 }],
  ['requirements.txt:7: ./x is a folder', { file: 'requirements.txt', line: 7 }],
  ['shop/__manifest__.py names "b.xml", which is not there', { file: 'shop/__manifest__.py' }],
])('the place that a message begins with: %s', (message, place) => {
  expect(withPlace(finding(message))).toEqual({ ...finding(message), ...place })
})

test.each(['missing module: gone', 'the modules a and b exclude each other', 'left out: a/b.py: x', ''])(
  'no place: %s',
  (message) => expect(withPlace(finding(message))).toEqual(finding(message)),
)
