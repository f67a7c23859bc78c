import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTask } from '../../test/support/task-context.ts'
import { ProcessError, run } from '../process.ts'
import { createRelative, relativeError } from './relative-messages.ts'
import { TaskError } from './task.ts'
import { withTaskDirectory } from './task-directory.ts'

let root: string
let work: string
let relative: (text: string) => string

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'fairway-relative-')))
  await mkdir(join(root, 'disk/tasks/t-1'), { recursive: true })
  // As where the agent's folder is on another disk.
  await symlink(join(root, 'disk'), join(root, 'work'))
  work = join(root, 'work')
  relative = await createRelative(work, join(work, 'tasks/t-1'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

describe.each(['work', 'disk'])('below %s', (folder) => {
  test.each([
    ['W/tasks/t-1/source/a/b.py:3: bad', 'a/b.py:3: bad'],
    ['in "W/tasks/t-1/source/a b.py"', 'in "a b.py"'],
    ['W/tasks/t-1/source is empty, W/tasks/t-1/source/, too', 'the repository is empty, the repository, too'],
    ['Cloning into W/tasks/t-1/source...', 'Cloning into the repository...'],
    ['see W/tasks/t-1/source.', 'see the repository.'],
    ['W/tasks/t-1/source.index W/tasks/t-1/source-old/x', 'source.index source-old/x'],
    ['W/tasks/t-1 and W/tasks/t-10/x', 'the task and tasks/t-10/x'],
    ['file://W/mirrors/x.git', 'file://mirrors/x.git'],
    ['-IW/include --dir=W/x PATH=/bin:W/bin (W)', '-Iinclude --dir=x PATH=/bin:bin (the agent)'],
    ['W/é, Wé and W/', 'é, Wé and the agent'],
  ])('%s', (text, expected) => {
    const path = join(root, folder)
    expect(relative(text.replaceAll('W', path))).toBe(expected.replaceAll('W', path))
  })

  test.each(['https://hW/x', '/home/meW/x', 'httpsW', '.W', '/srv-W', 'W-old/x', 'W.bak', 'W2'])(
    '%s is another path',
    (text) => {
      const other = text.replaceAll('W', join(root, folder))
      expect(relative(other)).toBe(other)
    },
  )
})

test('an error stays what it is', async () => {
  const failed = await run('cat', [join(work, 'gone')]).catch((error: unknown) => error as ProcessError)
  const { stack } = failed as ProcessError
  const seen = relativeError(failed, relative) as ProcessError
  expect(seen).toBe(failed)
  expect(seen).toBeInstanceOf(ProcessError)
  expect(seen).toMatchObject({ name: 'ProcessError', exitCode: 1, stack })
  expect(seen.message).toContain('cat: gone: No such file')
  const aborted = relativeError(new DOMException(`gave up ${work}/x`, 'AbortError'), relative)
  expect(aborted).toMatchObject({ name: 'AbortError', message: 'gave up x' })
  const missing = relativeError(Object.assign(new Error(`no ${work}/x`), { code: 'ENOENT' }), relative)
  expect(missing).toMatchObject({ code: 'ENOENT', message: 'no x' })
  expect(relativeError('no error', relative)).toBe('no error')
})

test('all that is said within a task’s directory is relative', async () => {
  const task = createTask()
  const failed = withTaskDirectory(work, task.context, async (directory, context) => {
    context.log('git', `log ${directory}/source/a`)
    context.logFrom('odoo', `from ${directory}/source/a`, { key: 'x', timestamp: '' })
    context.warn(`warned of ${directory}/source/a`)
    throw new TaskError('failed', `thrown ${directory}/source/a`)
  })
  await expect(failed).rejects.toMatchObject({ reason: 'failed', message: 'thrown a' })
  expect(task.lines.map(({ text }) => text)).toEqual(['log a', 'from a'])
  expect(task.warnings).toEqual(['warned of a'])
})
