import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defaultBranchRules, requireBranchName, requireBranchRules, slugOf, stageOf } from './branch-rules.ts'

test.each([
  ['main', 'production'],
  ['release/1.0', 'staging'],
  ['release/', 'staging'],
  ['feature/a/b', 'development'],
  ['mainline', undefined],
  ['my-main', undefined],
  ['hotfix/x', undefined],
  ['Feature/x', undefined],
])('%s is %s by the default rules', (branch, stage) => {
  expect(stageOf(branch, defaultBranchRules)).toBe(stage)
})

test.each([
  ['*', 'anything/at.all', true],
  ['a*b*c', 'abc', true],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'acb', false],
  ['a*a', 'a', false],
  ['*-fix', 'x-fix', true],
  ['*-fix', 'x-fixed', false],
  ['a.c', 'abc', false],
  ['*ab*b', 'ab', false],
])('the pattern %s and the branch %s: %s', (pattern, branch, expected) => {
  expect(stageOf(branch, [{ pattern, stage: 'staging' }]) === 'staging').toBe(expected)
})

test('the first rule that matches wins', () => {
  const rules = [
    { pattern: 'release/next', stage: 'development' },
    { pattern: 'release/*', stage: 'staging' },
  ] as const
  expect(stageOf('release/next', rules)).toBe('development')
})

test.each([
  '',
  '-x',
  'a..b',
  'a b',
  'a~1',
  'x.lock',
  'a//b',
  '/a',
  'a/',
  '.a',
  'a/.b',
  'a.',
  '@',
  'a@{1}',
  'a\nb',
])('%j is no branch name', (name) => {
  expect(() => requireBranchName(name)).toThrow('is not a branch name')
})

test.each(['main', 'release/1.0', 'feature/ünïcode', 'a@b', 'x_y-z'])('%s is a branch name', (name) => {
  requireBranchName(name)
})

test('rules need one production branch that is no glob', () => {
  requireBranchRules(defaultBranchRules)
  expect(() => requireBranchRules([])).toThrow('Exactly one')
  expect(() => requireBranchRules([{ pattern: '*', stage: 'production' }])).toThrow('one branch')
  expect(() =>
    requireBranchRules([
      { pattern: 'main', stage: 'production' },
      { pattern: 'a b', stage: 'staging' },
    ]),
  ).toThrow('not a branch name')
})

test('slugs read well', () => {
  expect(slugOf('main')).toBe('main')
  expect(slugOf('release/1.0')).toBe('release-1-0')
  expect(slugOf('feature/Hello_World')).toBe('feature-hello-world')
  expect(slugOf('émile')).toBe('emile')
  expect(slugOf('feature/a', 'distinct')).toMatch(/^feature-a-[0-9a-f]{10}$/)
  expect(slugOf('日本')).toMatch(/^b-[0-9a-f]{10}$/)
})

test('a slug is a DNS label of at most 40 characters, and the distinct ones differ', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 120 }), fc.string({ minLength: 1 }), (a, b) => {
      for (const slug of [slugOf(a), slugOf(a, 'distinct')]) {
        expect(slug).toMatch(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/)
      }
      expect(slugOf(a, 'distinct') === slugOf(b, 'distinct')).toBe(a === b)
    }),
  )
})
