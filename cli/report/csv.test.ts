import { expect, test } from 'vitest'
import { renderCsv } from './csv.ts'
import type { Report } from './report.ts'

const report = (...values: string[]): Report<string> => ({
  title: 'Things',
  about: '',
  columns: [
    { key: 'thing', title: 'Thing', value: (row) => row },
    { key: 'length', value: (row) => String(row.length) },
  ],
  rows: values,
  alerts: [],
  checks: [],
})
const cellOf = (value: string) => renderCsv(report(value)).split('\r\n').slice(1).join('\r\n')

test('has a line of names, CRLF, and columns that only CSV has', () => {
  expect(renderCsv(report('a', 'bc'))).toBe('thing,length\r\na,1\r\nbc,2\r\n')
  expect(renderCsv(report())).toBe('thing,length\r\n')
})

test.each([
  ['a,b', '"a,b",3\r\n'],
  ['say "hi"', '"say ""hi""",8\r\n'],
  ['two\r\nlines', '"two\r\nlines",10\r\n'],
])('quotes %j', (value, line) => expect(cellOf(value)).toBe(line))

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', ' =1', '=cmd', '＝1'])(
  'lets %j begin no formula',
  (value) => expect(cellOf(value)).toMatch(/^"?'/),
)

test.each(['1-1', 'a=b', 'ana@example.org', ''])('leaves %j alone', (value) =>
  expect(cellOf(value)).toBe(`${value},${value.length}\r\n`),
)
