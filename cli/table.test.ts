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

test('a narrow terminal folds prose between words, and cuts nothing', () => {
  expect(renderTable(rows, columns, 50)).toEqual([
    'NAME           BUILD  REASON',
    'production         7  all is well',
    'feature-hello     12  a very long reason that',
    '                      nobody wants to read in full',
  ])
  for (const width of [60, 45, 40, 30, 20]) {
    const lines = renderTable(rows, columns, width)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width)
    const words = lines.join(' ').split(/\s+/)
    for (const word of ['feature-hello', '12', ...'a very long reason that nobody wants'.split(' ')]) {
      expect(words).toContain(word)
    }
  }
})

test('what has no room beside the others stands below its row, by name', () => {
  const wide = [
    { title: 'BUILD', value: () => 'acme/12' },
    { title: 'BRANCH', value: () => 'feature/a-name-of-some-length' },
    { title: 'REASON', value: () => 'two words' },
    { title: 'URL', value: () => 'https://feature-a-name-of-some-length.acme.example', whole: true },
  ]
  expect(renderTable([{}], wide, 60)).toEqual([
    'BUILD    BRANCH                         REASON',
    'acme/12  feature/a-name-of-some-length  two words',
    '  url: https://feature-a-name-of-some-length.acme.example',
  ])
  // As wide as it needs, for whoever wants it on one line.
  expect(renderTable([{}], wide)).toHaveLength(2)
})

test('what stands below shares lines where it is short, but prose and what is copied do not', () => {
  const long = `feature/${'a-name-of-some-length-'.repeat(3)}`
  const columns = [
    { title: 'BUILD', value: () => 'acme/12' },
    { title: 'BRANCH', value: () => long },
    { title: 'STATUS', value: () => 'failed', paint: (text: string) => painter(true)('red', text) },
    { title: 'RESULT', value: () => '' },
    { title: 'TOOK', value: () => '4 s' },
    { title: 'URL', value: () => 'https://a.example', whole: true },
    { title: 'REASON', value: () => 'prose '.repeat(12).trim() },
  ]
  expect(renderTable([{}], columns, 60)).toEqual([
    'BUILD',
    'acme/12',
    '  branch:',
    // Whole, so that it can be copied from the terminal that breaks it.
    `  ${long}`,
    '  \x1b[31mstatus: failed\x1b[0m · took: 4 s',
    '  url: https://a.example',
    '  reason: prose prose prose prose prose prose prose prose',
    '  prose prose prose prose',
  ])
})

test.each([80, 100])('ids, digests and addresses are whole at %i columns', (width) => {
  const ids = [
    '0193c2f4-5a6b-7c8d-9e0f-0000000000c1',
    `sha256:${'0a'.repeat(32)}`,
    'ana.of.the.long.name@example.com',
  ]
  const many = ids.map((id, index) => ({ title: `ID${index}`, value: () => id }))
  const text = renderTable(
    [{}],
    [...many, { title: 'REASON', value: () => 'prose '.repeat(40) }],
    width,
  ).join('\n')
  for (const id of ids) expect(text).toContain(id)
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
