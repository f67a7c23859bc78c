import { expect, test } from 'vitest'
import { renderFields } from './fields.ts'
import { foldText } from './fold-text.ts'
import { painter } from './style.ts'
import { visibleLength } from './wrap-words.ts'

const red = (text: string) => painter(true)('red', text)
const plain = painter(false)
const digest = `sha256:${'0a'.repeat(32)}`

test('prose is folded between words, and goes on where its text began', () => {
  const text = 'one two three four\n  - five six seven'
  expect(foldText(text, 12).split('\n')).toEqual(['one two', 'three four', '  - five six', '    seven'])
  expect(foldText('  1    nine ten eleven', 16).split('\n')).toEqual(['  1    nine ten', '       eleven'])
})

test('remarks go on below their first word, and what trails makes no line', () => {
  expect(foldText('hint: one two three ', 14).split('\n')).toEqual(['hint: one two', '      three'])
  expect(foldText('  a line of a log ', 17).split('\n')).toEqual(['  a line of a log'])
})

test('what fits is as it was, and without a terminal everything is', () => {
  const text = 'a  b   c\n\n  d '
  expect(foldText(text, 80)).toBe(text)
  const long = 'word '.repeat(100)
  expect(foldText(long, Number.POSITIVE_INFINITY)).toBe(long)
})

test.each([80, 100])('a word that is longer than %i columns is whole', (width) => {
  const word = `127.0.0.1:5000/default/shop@${digest}${digest}`
  expect(foldText(`image ${word} is not there any more`, width).split('\n')).toContain(word)
})

test.each([
  ['It goes on without you, and nothing is lost by it', ': fairway run watch 0e8003c5-6b40'],
  ['There is no environment of that very name', '. List them with `fairway env list --all-of-them`.'],
  ['The record of it has been kept for you here', ' (fairway run show f2c2e575)'],
])('a command stays together: %s%s', (before, after) => {
  const command = /`.+`|fairway [^)]+/.exec(after)?.[0] ?? ''
  for (let width = command.length + 2; width < 100; width++) {
    const lines = foldText(before + after, width).split('\n')
    expect(lines.join('\n')).toContain(command)
    expect(Math.max(...lines.map(visibleLength))).toBeLessThanOrEqual(width)
  }
})

test('also one that is longer than the line, which starts it then', () => {
  const command = `sh /srv/bundle/verify.sh --key-sha256 ${'0a'.repeat(32)}`
  expect(foldText(`Verify it: ${command}`, 80).split('\n')).toEqual(['Verify it:', command])
})

test('so do moments, durations and sizes', () => {
  const text = 'back to 2026-11-30 20:36 UTC, 3.5 h ago, with 108 MiB'
  for (let width = 20; width < 60; width++) {
    const lines = foldText(text, width)
    for (const figure of ['2026-11-30 20:36 UTC', '3.5 h', '108 MiB']) expect(lines).toContain(figure)
  }
})

test('a line that is a command is left to be copied', () => {
  const join = `fairway-agent join --server host.example:7443 --token ${'x'.repeat(60)}`
  expect(foldText(join, 80)).toBe(join)
  expect(foldText(`  $ ${join}`, 80)).toBe(`  $ ${join}`)
  expect(foldText(`fairway: ${'word '.repeat(20)}`, 80)).toContain('\n')
})

test('colour takes no room', () => {
  const text = 'red in database: a sentence of some words more'
  expect(foldText(red(text), 24).split('\n')).toHaveLength(foldText(text, 24).split('\n').length)
})

test('fields are folded beside their names, and below them where a word has room there only', () => {
  const lines = renderFields(
    plain,
    [
      ['Status', 'green'],
      ['Modules', 'base, contacts, mail, partner_loyalty, sale, stock, web_tour, web_unsplash, website, zip'],
      ['Neutralization', `${digest} (fairway run show f2c2e575)`],
      ['Nothing', null],
    ],
    80,
  )
  expect(lines.join('\n').split('\n')).toEqual([
    'Status          green',
    'Modules         base, contacts, mail, partner_loyalty, sale, stock, web_tour,',
    '                web_unsplash, website, zip',
    'Neutralization',
    `  ${digest}`,
    '  (fairway run show f2c2e575)',
  ])
})
