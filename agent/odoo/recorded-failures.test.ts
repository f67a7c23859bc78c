import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { brokenModules } from '../../test/support/broken-modules.ts'
import { createUpdateLogReader } from './update-log.ts'
import { findUpdateFailure } from './verdict.ts'

// What Odoo 19 really said of modules that were broken on purpose: test/fixtures/record-update-logs.ts records it anew.
const recorded = new URL('../../test/fixtures/update-logs/', import.meta.url)

function failureOf(name: string) {
  const [end = '', ...lines] = readFileSync(new URL(`${name}.log`, recorded), 'utf8').split('\n')
  const reader = createUpdateLogReader()
  for (const line of lines) reader.line(line)
  return findUpdateFailure(Number(end.replace('exit ', '')), reader.finish())
}

test.each(Object.entries(brokenModules))('%s is told by what is wrong with it', (name, { reason, line }) => {
  const failure = failureOf(name)
  expect({ reason: failure?.reason, line: failure?.message }).toEqual({ reason, line })
})
