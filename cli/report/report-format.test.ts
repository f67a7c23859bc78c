import { expect, test } from 'vitest'
import { reportFormatOf } from './report-format.ts'

test.each([
  [{}, 'table'],
  [{ output: 'x.html' }, 'html'],
  [{ output: 'out/X.HTM' }, 'html'],
  [{ output: 'x.csv' }, 'csv'],
  [{ output: 'x.json' }, 'json'],
  [{ output: 'x.txt' }, 'table'],
  [{ output: 'report' }, 'table'],
  [{ output: 'v1.pdf/report' }, 'table'],
  [{ output: 'report.2026-11' }, 'table'],
  [{ output: '.hidden' }, 'table'],
  [{ output: 'x.pdf', format: 'html' }, 'html'],
  [{ output: 'x.html', json: true }, 'json'],
] as const)('%o is %s', (wanted, format) => {
  expect(reportFormatOf(wanted)).toBe(format)
})

test.each([
  [{ output: 'x.pdf' }, 'print it'],
  [{ output: 'x.PDF' }, 'print it'],
  [{ output: 'x.docx' }, 'print it'],
  [{ output: 'x.xlsx' }, '.csv'],
  [{ output: 'x.md' }, '--format'],
  [{ format: 'pdf' }, 'table, csv, html'],
  [{ format: 'csv', json: true }, 'two forms'],
])('%o is refused', (wanted, said) => {
  expect(() => reportFormatOf(wanted)).toThrow(said)
})
