import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from './command.ts'
import { withLock } from './lock.ts'

let directory: string
let lockFile: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairway-lock-'))
  lockFile = join(directory, 'lock')
})
afterEach(() => rm(directory, { recursive: true }))

test('what runs under one lock runs one at a time', async () => {
  const trace: string[] = []
  const turn = (name: string) =>
    withLock(lockFile, async () => {
      trace.push(`${name} begins`)
      await run('true', [])
      trace.push(`${name} ends`)
    })
  await Promise.all([turn('a'), turn('b'), turn('c')])
  expect(trace).toHaveLength(6)
  for (let i = 0; i < trace.length; i += 2) {
    expect(trace[i + 1]).toBe(trace[i]?.replace('begins', 'ends'))
  }
})

test('a failure gives the lock back', async () => {
  await expect(withLock(lockFile, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await withLock(lockFile, async () => 'mine')).toBe('mine')
})
