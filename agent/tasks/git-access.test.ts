import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLoopbackDialer } from '../../test/support/dialers.ts'
import { createTask } from '../../test/support/task-context.ts'
import { createGit } from '../git/command.ts'
import { createMirrors } from '../git/mirrors.ts'
import { openMirrors } from './git-access.ts'
import type { TaskContext } from './task.ts'
import { withTaskDirectory } from './task-directory.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairway-git-access-'))
})
afterEach(() => rm(directory, { recursive: true }))

const secrets = { 'git:git.example/SSH_KEY': 'PRIVATE KEY' }
const mirrorsHere = () => {
  const protocols = ['ssh'] as const
  const git = createGit({ home: directory, protocols })
  return createMirrors(git, join(directory, 'mirrors'), protocols, createLoopbackDialer())
}
const task = (): TaskContext => createTask('task').context

test('a key lies in the directory of its task, and of a task that was killed none is left', async () => {
  const opened = Promise.withResolvers<string>()
  // Never ends, as of an agent that was killed.
  void withTaskDirectory(directory, task(), async (own) => {
    await openMirrors(mirrorsHere(), secrets, [], task(), own)
    opened.resolve(own)
    await new Promise<void>(() => undefined)
  })
  const own = await opened.promise
  const [file = ''] = await readdir(join(own, 'keys'))
  expect(await readFile(join(own, 'keys', file), 'utf8')).toBe('PRIVATE KEY\n')
  expect((await stat(own)).mode & 0o777).toBe(0o700)
  await withTaskDirectory(directory, task(), async (again) => {
    expect(again).toBe(own)
    expect(await readdir(again)).toEqual([])
  })
  expect(await readdir(join(directory, 'tasks'))).toEqual([])
})

test('a task without credentials for git hosts works on the mirrors of all', async () => {
  const mirrors = mirrorsHere()
  const others = { 'registry:r.example/PASSWORD': 'p' }
  expect(await openMirrors(mirrors, others, [], task(), directory)).toBe(mirrors)
  expect(await openMirrors(mirrors, others, ['git.intern'], task(), directory)).not.toBe(mirrors)
})
