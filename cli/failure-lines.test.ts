import { expect, test } from 'vitest'
import { failureLines, logsCommand } from './failure-lines.ts'
import type { FailureJson } from './json/failure.ts'

const plain = (_: string, text: string) => text
const long = `psycopg2.errors.UndefinedColumn: ${'column "points" does not exist '.repeat(40).trim()}`
const failure: FailureJson = {
  step: 'database',
  task: 'apply-modules',
  sentence: `module shop: ${long}`,
  path: 'addons/shop/models/order.py',
  line: 9,
  log: [
    {
      time: null,
      source: 'odoo',
      text: '2026-11-30 10:57:53,123 41 INFO shop odoo: loading',
      exception: false,
    },
    { time: null, source: 'odoo', text: long, exception: true },
  ],
}

test('nothing of what failed is cut', () => {
  expect(failureLines(plain, failure)).toEqual([
    `red in database: module shop: ${long}`,
    '  addons/shop/models/order.py:9',
    '',
    '  2026-11-30 10:57:53,123 41 INFO shop odoo: loading',
    `  ${long}`,
  ])
})

test('the rest of the log is one command away, for any run', () => {
  const run = { id: '0f', project: 'shop', number: 12, failure }
  expect(logsCommand(run)).toBe('fairway logs shop/12 --step database')
  expect(logsCommand({ ...run, number: null })).toBe('fairway logs 0f --step database')
  expect(logsCommand({ ...run, failure: { ...failure, log: [] } })).toBe('fairway logs shop/12')
})
