import { expect, test } from 'vitest'
import { whatFollows } from './effect.ts'

const given = {
  action: 'production-deploy',
  runId: 'a-run',
  project: 'acme',
  requestedBy: 'member:ana',
  frozenUntil: null,
}

test.each([
  [{}, 'it goes ahead'],
  [{ frozenUntil: '2026-12-01T06:00:00Z' }, 'it goes ahead when the freeze ends, at 2026-12-01 06:00 UTC'],
  [{ runId: null }, 'nothing happens by itself; next: fairway release promote acme'],
  [
    { runId: null, frozenUntil: '2026-12-01T06:00:00Z' },
    'nothing happens by itself; next when the freeze ends, at 2026-12-01 06:00 UTC: fairway release promote acme',
  ],
  [{ runId: null, action: 'secret-read' }, 'nothing happens by itself; next: member:ana asks for it again'],
])('%j: %s', (more, said) => {
  expect(whatFollows({ ...given, ...more })).toBe(said)
})
