import { expect, test } from 'vitest'
import { lineText } from './log-members.ts'

const line = { sequence: 7, unixMicros: 1_763_846_400_000_042, source: 'odoo', text: 'hello\tyou', gap: 0 }

test('a line says its sequence, its time to the microsecond, its source and its text', () => {
  expect(lineText(line)).toBe('7  2025-11-22T21:20:00.000042Z  odoo  hello\tyou')
})

test('a gap says how many lines it stands for', () => {
  expect(lineText({ ...line, text: '', gap: 17 })).toMatch(/odoo {2}\[17 lines were dropped here\]$/)
})

test('no text makes a line of its own, or moves a terminal’s cursor', () => {
  const text = 'a\n8  2025-11-22T21:20:00Z  odoo  forged\r\u001b[2J\u2028\u0085b'
  expect(lineText({ ...line, text })).toBe(
    '7  2025-11-22T21:20:00.000042Z  odoo  ' +
      'a\\u000a8  2025-11-22T21:20:00Z  odoo  forged\\u000d\\u001b[2J\\u2028\\u0085b',
  )
})
