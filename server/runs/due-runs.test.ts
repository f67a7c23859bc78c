import { expect, test } from 'vitest'
import { createTurns, type DueRun } from './due-runs.ts'

const run = (organizationId: string, projectId: string, lane = 2): DueRun => ({
  runId: `${organizationId}/${projectId}`,
  organizationId,
  projectId,
  lane,
})
const names = (runs: readonly DueRun[]) => runs.map(({ runId }) => runId)

test('an organization with a thousand due runs is served in turn with one that has one', () => {
  const turns = createTurns()
  const many = Array.from({ length: 50 }, () => run('busy', 'shop'))
  expect(names(turns.take([...many, run('calm', 'shop')], 2))).toEqual(['busy/shop', 'calm/shop'])
  expect(names(turns.take([run('calm', 'shop'), ...many], 1))).toEqual(['busy/shop'])
  expect(names(turns.take([...many, run('calm', 'shop')], 1))).toEqual(['calm/shop'])
})

test('and so are the projects of an organization', () => {
  const turns = createTurns()
  const due = [run('acme', 'a'), run('acme', 'a'), run('acme', 'b')]
  expect(names(turns.take(due, 3))).toEqual(['acme/a', 'acme/b', 'acme/a'])
})

test('production that is under way goes before everything', () => {
  const turns = createTurns()
  expect(names(turns.take([run('a', 'x'), run('b', 'y', 0)], 1))).toEqual(['b/y'])
  expect(names(turns.take([run('a', 'x'), run('b', 'z', 1), run('b', 'y', 0)], 2))).toEqual(['b/y', 'b/z'])
})
