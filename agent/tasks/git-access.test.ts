import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
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

const credentials = [{ name: 'git:git.example/SSH_KEY' }]
const mirrorsHere = () => {
  const protocols = ['ssh'] as const
  return createMirrors(createGit({ home: directory, protocols }), join(directory, 'mirrors'), protocols)
}
const withKey = (): TaskContext => ({
  ...createTask('task').context,
  secrets: async (refs) => Object.fromEntries(refs.map(({ name }) => [name, 'PRIVATE KEY'])),
})

test('a key lies in the directory of its task, and of a task that was killed none is left', async () => {
  const opened = Promise.withResolvers<string>()
  // Never ends, as of an agent that was killed.
  void withTaskDirectory(directory, withKey(), async (own) => {
    await openMirrors(mirrorsHere(), credentials, withKey(), own)
    opened.resolve(own)
    await new Promise<void>(() => undefined)
  })
  const own = await opened.promise
  const [file = ''] = await readdir(join(own, 'keys'))
  expect(await readFile(join(own, 'keys', file), 'utf8')).toBe('PRIVATE KEY\n')
  expect((await stat(own)).mode & 0o777).toBe(0o700)
  await withTaskDirectory(directory, withKey(), async (again) => {
    expect(again).toBe(own)
    expect(await readdir(again)).toEqual([])
  })
  expect(await readdir(join(directory, 'tasks'))).toEqual([])
})

test('a task without credentials for git hosts asks for none', async () => {
  const asking: TaskContext = { ...createTask().context, secrets: () => expect.fail('it asked') }
  const mirrors = mirrorsHere()
  const others = [{ name: 'registry:r.example/PASSWORD' }]
  expect(await openMirrors(mirrors, others, asking, directory)).toBe(mirrors)
})
