import { expect, test } from 'vitest'
import { hostPattern } from './host-pattern.ts'
import { findHost } from './remember-production.ts'

// PostgreSQL itself is asked in test/integration/neutral-rules.test.ts: what is used here means the same in both.

const finds = (host: string, text: string): boolean =>
  new RegExp(`^(${findHost(host).map(hostPattern).join('|')})$`, 'i').test(text)

test.each([
  ['shop.example.com', 'Shop.Example.com'],
  ['xn--mnchen-3ya.example', 'xn--mnchen-3ya.example'],
  ['xn--mnchen-3ya.example', 'münchen.example'],
  ['münchen.example', 'xn--mnchen-3ya.example'],
  ['münchen.example', 'MÜNCHEN.example'],
  ['münchen.example', 'münchen.example'.normalize('NFD')],
  ['münchen.example', 'm%C3%BCnchen.example'],
  ['münchen.example', 'm%c3%bcnchen.example'],
  ['münchen.example', 'm\\u00fcnchen.example'],
  ['münchen.example', 'münchen。example'],
  // One of two labels each.
  ['bücher.münchen.example', 'bücher.xn--mnchen-3ya.example'],
  ['bücher.münchen.example', 'xn--bcher-kva.münchen.example'],
  ['straße.example', 'straße.example'],
  ['пример.испытание', 'ПРИМЕР.испытание'],
  ['𠮷野家.example', '\\ud842\\udfb7野家.example'],
])('%s is found as %s', (host, text) => {
  expect(finds(host, text)).toBe(true)
})

test.each([
  ['shop.example.com', 'shopXexample.com'],
  ['münchen.example', 'munchen.example'],
  ['münchen.example', 'mxnchen.example'],
  ['münchen.example', 'münchen-example'],
  // Of a name that stands for none, only what it is.
  ['xn--a.example', 'a.example'],
])('%s is not found as %s', (host, text) => {
  expect(finds(host, text)).toBe(false)
})

test('both cases are written out, for a database that folds those of ASCII alone', () => {
  expect(hostPattern('xn--mnchen-3ya.example')).toContain('ü|')
  expect(hostPattern('xn--mnchen-3ya.example')).toContain('|Ü')
})
