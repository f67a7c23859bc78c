import { expect, test } from 'vitest'
import { painter } from './style.ts'
import { oneLine, printable, renderTable } from './table.ts'

const rows = [
  { name: 'production', build: '7', reason: 'all is well' },
  { name: 'feature-hello', build: '12', reason: 'a very long reason that nobody wants to read in full' },
]
const columns = [
  { title: 'NAME', value: (row: (typeof rows)[0]) => row.name, whole: true },
  { title: 'BUILD', value: (row: (typeof rows)[0]) => row.build, align: 'right' as const },
  { title: 'REASON', value: (row: (typeof rows)[0]) => row.reason },
]

test('columns line up, and nothing trails', () => {
  expect(renderTable(rows, columns)).toEqual([
    'NAME           BUILD  REASON',
    'production         7  all is well',
    'feature-hello     12  a very long reason that nobody wants to read in full',
  ])
})

test('a narrow terminal cuts the widest column, never one that people copy', () => {
  for (const width of [60, 40, 30]) {
    const lines = renderTable(rows, columns, width)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width)
    expect(lines[2]).toContain('feature-hello')
    expect(lines[2]).toMatch(/…$/)
  }
})

test('colour changes no width', () => {
  const painted = renderTable(rows, [
    { title: 'NAME', value: (row) => row.name, paint: (text) => painter(true)('red', text) },
    { title: 'BUILD', value: (row) => row.build },
  ])
  expect(painted[1]).toBe('\x1b[31mproduction\x1b[0m     7')
})

test('text from elsewhere stays on its line and drives no terminal', () => {
  expect(oneLine('a\nb\t\x1b[31mc\x1b[0m\x07')).toBe('a b c')
})

test('text of several lines keeps them and its colours, and drives no terminal', () => {
  expect(printable('\x1b[31ma\x1b[0m\n\tb\x1b[2A\rc\u009b2Jd\u202ee')).toBe(
    '\x1b[31ma\x1b[0m\n\tb\u{FFFD}[2A\u{FFFD}c\u{FFFD}2Jd\u{FFFD}e',
  )
})

test('an empty table is its head', () => {
  expect(renderTable([], columns)).toEqual(['NAME  BUILD  REASON'])
})
