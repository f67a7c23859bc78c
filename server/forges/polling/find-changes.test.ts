import { expect, test } from 'vitest'
import { findChanges, isAnotherRepository, type KnownBranch } from './find-changes.ts'

const askedAt = new Date('2026-01-02T12:00:00Z')
const before = new Date('2026-01-02T11:00:00Z')
const after = new Date('2026-01-02T12:00:01Z')
const branch = (commit: string, more: Partial<KnownBranch> = {}): KnownBranch => ({
  commit,
  pushedAt: before,
  deletedAt: undefined,
  ...more,
})
const find = (
  heads: Record<string, string>,
  seen: Record<string, string> | undefined,
  known: Record<string, KnownBranch> = {},
) => {
  const found = findChanges({ heads, askedAt, before: seen, known: new Map(Object.entries(known)) })
  return { changes: found.changes.map((change) => ({ ...change })), seen: found.seen }
}
const push = (name: string, commit: string) => ({ kind: 'push', branch: name, commit, message: '' })
const gone = (name: string) => ({ kind: 'delete', branch: name })

test('the first answer is where it begins', () => {
  const found = find({ main: 'a' }, undefined, { old: branch('x') })
  expect(found).toEqual({ changes: [], seen: { main: 'a' } })
})

test.each([
  ['nothing', { main: 'a' }, { main: 'a' }, {}, []],
  ['a push, forced or not', { main: 'b' }, { main: 'a' }, { main: branch('a') }, [push('main', 'b')]],
  ['a new branch', { main: 'a', x: 'b' }, { main: 'a' }, {}, [push('x', 'b')]],
  ['a branch that is gone', { main: 'a' }, { main: 'a', x: 'b' }, { x: branch('b') }, [gone('x')]],
  ['one that came by the hook and is gone', { main: 'a' }, { main: 'a' }, { x: branch('b') }, [gone('x')]],
  ['what the hook has said', { main: 'b' }, { main: 'a' }, { main: branch('b') }, []],
  ['what the hook has said was deleted', {}, { x: 'b' }, { x: branch('b', { deletedAt: before }) }, []],
  [
    'one that is there again',
    { x: 'b' },
    { x: 'b' },
    { x: branch('b', { deletedAt: before }) },
    [push('x', 'b')],
  ],
  ['one that nobody pushed', { main: 'a' }, { main: 'a' }, { typo: branch('', { pushedAt: undefined }) }, []],
  ['names of the language', { constructor: 'a' }, {}, {}, [push('constructor', 'a')]],
])('%s', (_, heads, seen, known, changes) => {
  expect(find(heads, seen, known as Record<string, KnownBranch>)).toEqual({ changes, seen: heads })
})

test('what came after it was asked goes before the answer, and is looked at again', () => {
  // Asked: b. Then c was pushed, and the hook was quicker.
  const late = { main: branch('c', { pushedAt: after }) }
  expect(find({ main: 'b' }, { main: 'a' }, late)).toEqual({ changes: [], seen: { main: 'a' } })
  expect(find({ main: 'c' }, { main: 'a' }, late)).toEqual({ changes: [], seen: { main: 'c' } })
  // Not there yet when it was asked.
  expect(find({}, {}, { x: branch('b', { pushedAt: after }) })).toEqual({ changes: [], seen: {} })
  // There when it was asked, and deleted since.
  const left = { x: branch('a', { deletedAt: after }) }
  expect(find({ x: 'a' }, { x: 'a' }, left)).toEqual({ changes: [], seen: { x: 'a' } })
})

test('of very many at once the others come next time', () => {
  const heads = Object.fromEntries(Array.from({ length: 120 }, (_, at) => [`b${at}`, `c${at}`]))
  let seen: Readonly<Record<string, string>> = {}
  const rounds = []
  for (let round = 0; round < 4; round++) {
    const found = findChanges({ heads, askedAt, before: seen, known: new Map() })
    rounds.push(found.changes.length)
    seen = found.seen
  }
  expect(rounds).toEqual([50, 50, 20, 0])
})

test.each([
  ['another one of several branches', { main: 'z' }, { main: 'a', x: 'b' }, {}, true],
  ['other names as well', { trunk: 'y', dev: 'z' }, { main: 'a', x: 'a' }, {}, true],
  ['the one branch is gone, and its commit', { trunk: 'z' }, { main: 'a' }, {}, true],
  ['the one branch was pushed', { main: 'z' }, { main: 'a' }, {}, false],
  ['one branch stays', { main: 'z', x: 'b' }, { main: 'a', x: 'b' }, {}, false],
  ['one took another over', { main: 'b' }, { main: 'a', x: 'b' }, {}, false],
  ['a delivery told of one', { main: 'z', x: 'y' }, { main: 'a', x: 'b' }, { x: branch('y') }, false],
  ['it had none', { main: 'a' }, {}, {}, false],
  ['it was never asked', { main: 'a', x: 'b' }, undefined, { main: branch('z') }, false],
])('another repository? %s', (_, heads, before, known, another) => {
  const polled = {
    heads: heads as Record<string, string>,
    before: before as Record<string, string> | undefined,
  }
  expect(isAnotherRepository({ ...polled, known: new Map(Object.entries(known)) })).toBe(another)
})
