import { expect, test } from 'vitest'
import { plain } from '../plain-text.ts'
import { describe } from './run-odoos-own.ts'

const failure = {
  module: 'bridge_api',
  error: 'column "secret" does not exist',
  statement: 'UPDATE bridge_account',
  line: 2,
}

test('a failure names the file, its line, the statement, and who has to correct it', () => {
  expect(describe(failure, false)).toBe(
    'Odoo could not neutralize the database: bridge_api/data/neutralize.sql, line 2: column "secret" does not exist ' +
      '(in: UPDATE bridge_account). Correct the file and push again.',
  )
  expect(describe({ ...failure, line: 0, statement: '' }, true)).toMatch(
    /bridge_api\/data\/neutralize\.sql: column "secret" does not exist\. Production runs this version of it/,
  )
})

test('the words of others are one line that no terminal acts on, and not long', () => {
  expect(plain('a\n\n\tb\u001b[31mc\u202e\u0000', 20)).toBe('a b [31mc')
  expect(plain('x'.repeat(30), 20)).toBe(`${'x'.repeat(20)}…`)
})
