import { expect, it } from 'vitest'
import { HBA, IDENT } from './access-rules.ts'

const linesOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/))

it.each(['postgres', 'fairway_reader', 'fairway_writer'])('lets %s in by the socket only', (role) => {
  const rules = linesOf(HBA)
  const database = role === 'postgres' ? 'all' : 'odoo'
  expect(rules.filter(([, , user]) => user === role)).toEqual([
    ['local', database, role, 'peer', 'map=fairway'],
    ['host', 'all', role, 'all', 'reject'],
  ])
  // The first line that matches decides.
  expect(rules.findIndex(([, , user]) => user === 'all')).toBe(rules.length - 1)
  expect(rules.flat()).not.toContain('trust')
})

it('knows nobody by the socket but root and the server itself', () => {
  expect(new Set(linesOf(IDENT).map(([, system]) => system))).toEqual(new Set(['root', 'postgres']))
})
