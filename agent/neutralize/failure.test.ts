import { expect, test } from 'vitest'
import { plain } from '../plain-text.ts'
import { describeFailure, findFailure, type NeutralizationFailure } from './failure.ts'

const failure: NeutralizationFailure = {
  module: 'bridge_api',
  error: 'column "secret" does not exist',
  statement: 'UPDATE bridge_account',
  line: 2,
  kind: '',
  own: true,
}

test('a failure names the file, its line, the statement, and who has to correct it', () => {
  expect(describeFailure(failure, false)).toBe(
    'Odoo could not neutralize the database: bridge_api/data/neutralize.sql, line 2: column "secret" does not exist ' +
      '(in: UPDATE bridge_account). Correct the file and push again.',
  )
  expect(describeFailure({ ...failure, line: 0, statement: '' }, true)).toMatch(
    /bridge_api\/data\/neutralize\.sql: column "secret" does not exist\. Production runs this version of it/,
  )
  expect(describeFailure({ ...failure, own: false }, false)).toMatch(
    /\. The file comes with the base image or a Python package: take a version/,
  )
  expect(describeFailure({ ...failure, kind: 'mark' }, false)).toMatch(
    /\(in: UPDATE bridge_account\)\. It begins with a byte order mark.* Correct the file/,
  )
})

test('it is told from what else an image says', () => {
  expect(findFailure(`fairway-failing: ${JSON.stringify(failure)}`)).toEqual(failure)
  expect(findFailure(`fairway-failing: ${JSON.stringify({ ...failure, kind: 'other' })}`)).toBeUndefined()
  expect(findFailure(JSON.stringify(failure))).toBeUndefined()
})

test('the words of others are one line that no terminal acts on, and not long', () => {
  expect(plain('a\n\n\tb\u001b[31mc\u202e\u0000', 20)).toBe('a b [31mc')
  expect(plain('x'.repeat(30), 20)).toBe(`${'x'.repeat(20)}…`)
})
