import { expect, test } from 'vitest'
import { excerptOf, type Logged } from './excerpt.ts'

const log = (...texts: string[]): Logged[] =>
  texts.map((text, unixMicros) => ({ unixMicros, source: 'odoo', text }))
const info = (count: number, word = 'module') =>
  Array.from({ length: count }, (_, at) => `2026-11-30 10:57:53,123 41 INFO shop odoo.modules: ${word} ${at}`)
const raised = (...message: string[]) => [
  '2026-11-30 10:57:54,000 41 ERROR shop odoo.modules.registry: Failed to load registry',
  'Traceback (most recent call last):',
  '  File "/mnt/extra-addons/shop/models/order.py", line 9, in f',
  '    g()',
  ...message,
]
const texts = (lines: Logged[], said: string) => excerptOf(lines, said).map(({ text }) => text)
const flagged = (lines: Logged[], said: string) =>
  excerptOf(lines, said).flatMap(({ text, exception }) => (exception ? [text] : []))

test('the exception is whole, whatever its length, with 15 lines around it', () => {
  const message = [
    'odoo.exceptions.UserError: The account is no number',
    ...Array.from({ length: 60 }, (_, at) => `- account ${at}`),
  ]
  const lines = log(...info(40), ...raised(...message), ...info(40, 'after'))
  const shown = excerptOf(lines, 'module shop: UserError: The account is no number (shop/models/order.py:9)')
  expect(shown.filter(({ exception }) => exception).map(({ text }) => text)).toEqual(
    raised(...message).slice(1),
  )
  expect(shown.filter(({ exception }) => !exception)).toHaveLength(15)
  expect(shown.at(0)?.text).toBe(info(40)[31])
  expect(shown.at(-1)?.text).toBe(info(40, 'after')[4])
})

test('a chain of exceptions is one, and blank lines at its end are not of it', () => {
  const lines = log(
    ...raised('KeyError: 1', '', 'The above exception was the direct cause of the following exception:', ''),
    ...raised('odoo.tools.convert.ParseError: while parsing /mnt/extra-addons/shop/a.xml:3', '').slice(1),
  )
  expect(flagged(lines, 'module shop: KeyError: 1 (shop/models/order.py:9)')).toHaveLength(lines.length - 2)
})

test('of several it is the one that the reason tells, else the last', () => {
  const lines = log(...raised('AssertionError: 1 != 2'), ...raised('ValueError: provoked'), ...info(2))
  const said = '1 failed and 0 broken of 12 tests: shop: TestPrice.test_total: AssertionError: 1 != 2'
  expect(flagged(lines, said).at(-1)).toBe('AssertionError: 1 != 2')
  expect(flagged(lines, 'Odoo ended with exit code 255').at(-1)).toBe('ValueError: provoked')
})

test('a line of another program ends it', () => {
  const [end] = log('the container ended with 255')
  const lines = [...log(...raised('ValueError: no')), { ...end!, source: 'fairway' }]
  expect(flagged(lines, 'ValueError: no').at(-1)).toBe('ValueError: no')
})

test('without an exception it is the line that says the same, an error, or the last', () => {
  const lines = log('one', 'ERROR: No matching distribution found for nonsense==9', 'a hint', 'the end of it')
  expect(
    flagged(lines, 'pip failed: No matching distribution found for nonsense==9: is it spelt right?'),
  ).toEqual([lines[1]?.text])
  expect(flagged(lines, 'module x: a hint')).toEqual([lines[1]?.text])
  expect(flagged(lines, 'pip: the end of it')).toEqual(['the end of it'])
  expect(flagged(log('one', 'two'), 'took longer than allowed')).toEqual(['two'])
  expect(texts([], 'nothing was logged')).toEqual([])
})

test('a log that is all traceback is shown to what can be read', () => {
  const lines = log(
    'Traceback (most recent call last):',
    ...Array.from({ length: 5_000 }, () => '  File "/x.py", line 1, in f'),
  )
  expect(texts(lines, 'x').length).toBeLessThan(500)
})
