import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parsePythonLiteral } from './python-literal.ts'
import { PythonLiteralError } from './python-string.ts'

/** Whether Python takes it, as test/fixtures/record-python-literals.py recorded it. */
const { taken, refused } = JSON.parse(
  readFileSync(new URL('../../test/fixtures/python-literals.json', import.meta.url), 'utf8'),
) as Record<'taken' | 'refused', string[]>

function takes(text: string): boolean {
  try {
    // As a file of text is read.
    parsePythonLiteral(text.replace(/\r\n?/g, '\n'))
    return true
  } catch (error) {
    if (error instanceof PythonLiteralError) return false
    throw error
  }
}

test('what Python takes is taken, and nothing else', () => {
  expect(taken.length + refused.length).toBeGreaterThan(250)
  expect(taken.filter((text) => !takes(text))).toEqual([])
  expect(refused.filter(takes)).toEqual([])
})

test.each([
  ['1.e5', 1e5],
  ['0x1_f', 31],
  ['1_000', 1000],
  ['00', 0],
])('%s is the number that it is to Python', (text, value) => {
  const read = parsePythonLiteral(text)
  expect(typeof read === 'object' && read && 'value' in read ? read.value : read).toBe(value)
})

test('where a value is indented is told', () => {
  expect(() => parsePythonLiteral('# Copyright\n  {}')).toThrow('unexpected indent')
})
