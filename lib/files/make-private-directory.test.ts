import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makePrivateDirectory } from './make-private-directory.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fairway-private-'))
})
afterEach(() => rmSync(root, { recursive: true }))
const modeOf = (path: string) => (statSync(join(root, path)).mode & 0o777).toString(8)

test('is its owner’s alone, and what leads there is everybody’s to pass', () => {
  makePrivateDirectory(join(root, 'lib/fairway/agent'))
  expect(['lib', 'lib/fairway', 'lib/fairway/agent'].map(modeOf)).toEqual(['755', '755', '700'])
})

test('what is there already stays as it is', () => {
  mkdirSync(join(root, 'closed/open'), { recursive: true })
  chmodSync(join(root, 'closed/open'), 0o750)
  chmodSync(join(root, 'closed'), 0o700)
  makePrivateDirectory(join(root, 'closed/open'))
  makePrivateDirectory(join(root, 'closed/new'))
  expect(['', 'closed', 'closed/open', 'closed/new'].map(modeOf)).toEqual(['700', '700', '750', '700'])
})
