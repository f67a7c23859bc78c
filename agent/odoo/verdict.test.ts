import { expect, test } from 'vitest'
import type { UpdateLog } from './update-log.ts'
import { findUpdateFailure } from './verdict.ts'

const log = (found: Partial<UpdateLog> = {}): UpdateLog => ({
  failures: [],
  unknownModules: [],
  notLoadedModules: [],
  lastLine: 'last words',
  ...found,
})

const cause = (inData: boolean) => ({ line: 'KeyError: 1', said: 'KeyError: 1', chain: [], inData })

// The table of exit codes and what they hide, measured on Odoo 19.
test.each<[string, number, Partial<UpdateLog>, string | undefined]>([
  ['all well', 0, { tests: { total: 3, failed: 0, errors: 0 } }, undefined],
  [
    'a failed test',
    1,
    { tests: { total: 3, failed: 1, errors: 0 }, failures: ['a: T.x: no'] },
    'tests-failed',
  ],
  ['a provoked error in a passing test', 0, { cause: cause(true) }, undefined],
  [
    'a failed test after a provoked error',
    1,
    { tests: { total: 1, failed: 0, errors: 1 }, cause: cause(true) },
    'tests-failed',
  ],
  ['a broken view', 255, { cause: cause(true) }, 'data-invalid'],
  ['a missing dependency', 255, { missingDependency: 'a depends on b' }, 'dependency-missing'],
  ['an unknown module', 0, { unknownModules: ['x'] }, 'modules-unknown'],
  ['code that is gone', 0, { notLoadedModules: ['x'] }, 'modules-not-loaded'],
  ['no database', 75, {}, 'database-unreachable'],
  ['anything else', 255, { cause: cause(false) }, 'update-failed'],
])('%s', (_name, exitCode, found, reason) => {
  expect(findUpdateFailure(exitCode, log(found))?.reason).toBe(reason)
})
