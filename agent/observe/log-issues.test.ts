import { expect, test } from 'vitest'
import { createTraceReader, fingerprintOf, normalize } from './log-issues.ts'

const line = (level: string, logger: string, message: string) =>
  `2026-11-26 11:36:43,405 7 ${level} odoo ${logger}: ${message} `

test.each([
  ["Field 'x_a' of 'res.partner' can't be stored", "Field 'y' of 'sale.order' can't be stored"],
  ['took 1.234s for 17 records', 'took 22.5s for 3 records'],
  ['<Obj at 0x7f00aa12> is gone', '<Obj at 0x7f11bb34> is gone'],
  ['res.partner(1, 2, 3) has no name', 'res.partner(4,) has no name'],
  ['File "/mnt/extra-addons/a.py", line 12', 'File "/mnt/extra-addons/b.py", line 99'],
  ['session 3f2c9a7be1 expired', 'session 99aa0cd1f2 expired'],
  ['at 2026-01-02 03:04:05,678 it failed', 'at 2027-11-12 13:14:15,167 it failed'],
  ['id 123e4567-e89b-12d3-a456-426614174000', 'id 00000000-0000-0000-0000-000000000001'],
  ["models ['a', 'b'] have no access rules", "models ['c'] have no access rules"],
])('%j and %j are of one kind', (one, other) => {
  expect(normalize(one)).toBe(normalize(other))
})

test('other words, another logger or another level are another kind', () => {
  const issue = { level: 'WARNING', logger: 'odoo.a', message: 'the field is gone' }
  const prints = [
    issue,
    { ...issue, message: 'the table is gone' },
    { ...issue, logger: 'odoo.b' },
    { ...issue, level: 'ERROR' },
  ].map(fingerprintOf)
  expect(new Set(prints).size).toBe(4)
  expect(prints[0]).toMatch(/^[0-9a-f]{64}$/)
})

test('issues are counted by kind, worst first, and scripts are told as they ran', () => {
  const reader = createTraceReader()
  for (const text of [
    line('WARNING', 'odoo.a', '3 rows are wrong'),
    line('WARNING', 'odoo.a', '44 rows are wrong'),
    line('INFO', 'odoo.modules.migration', 'module sale_x: Running migration [>19.0.1.1] pre-fill'),
    line('INFO', 'odoo.modules.migration', 'module sale_x: Running migration [1.1>] post-fill'),
    line('INFO', 'odoo.modules.migration', 'module sale_x: Running migration [$1.1] end-check'),
    line('INFO', 'odoo.addons.evil', 'module sale_x: Running migration [1.1>] post-lie'),
    line('ERROR', 'odoo.b', 'x'.repeat(900)),
    'Traceback (most recent call last):',
  ])
    reader.line(text)
  expect(reader.trace()).toEqual({
    issues: [
      expect.objectContaining({ level: 'ERROR', count: 1, sample: 'x'.repeat(500) }),
      expect.objectContaining({ level: 'WARNING', count: 2, sample: '3 rows are wrong' }),
    ],
    moreIssues: 0,
    scripts: [
      { module: 'sale_x', script: '19.0.1.1/pre-fill.py' },
      { module: 'sale_x', script: '1.1/post-fill.py' },
      { module: 'sale_x', script: '1.1/end-check.py' },
    ],
  })
})

test('a flood of kinds is bounded, and says so', () => {
  const reader = createTraceReader()
  const word = (index: number) =>
    index.toString(26).replace(/\d/g, (digit) => 'qrstuvwxyz'[Number(digit)] ?? '')
  for (let index = 0; index < 700; index++)
    reader.line(line('ERROR', 'odoo.a', `kind ${word(index)}${'z'.repeat(index % 7)}`))
  const { issues, moreIssues } = reader.trace()
  expect(issues).toHaveLength(100)
  expect(moreIssues).toBeGreaterThan(100)
})
