import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findRunning, startDaemon } from './daemon.ts'
import { waitFor } from './wait-for.ts'

let directory: string
let pidFile: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairway-daemon-'))
  pidFile = join(directory, 'pid')
})
afterEach(() => rm(directory, { recursive: true }))

const isGone = (path: string) =>
  readFile(path).then(
    () => false,
    () => true,
  )

test('a daemon is found by its pid file until it ends', async () => {
  await startDaemon({ program: 'sleep', args: ['60'], logFile: join(directory, 'log'), pidFile })
  const pid = Number(await readFile(pidFile, 'utf8'))
  expect(await findRunning(pidFile, 'sleep')).toBe(pid)
  process.kill(pid)
  await waitFor(
    async () => (await findRunning(pidFile, 'sleep')) === undefined,
    () => 'still found',
    { deadlineMs: 5_000 },
  )
  expect(await isGone(pidFile)).toBe(true)
})

test.each([
  ['another program has that number now', `${process.pid}`],
  ['no process has that number', '4194305'],
  ['it is empty', ''],
])('a pid file is stale when %s', async (_why, content) => {
  await writeFile(pidFile, content)
  expect(await findRunning(pidFile, 'dockerd')).toBeUndefined()
})

test('a daemon that dies at its start is told with the end of its log', async () => {
  const logFile = join(directory, 'log')
  const { requireAlive } = await startDaemon({
    program: 'sh',
    args: ['-c', 'echo no such disk >&2; exit 3'],
    logFile,
  })
  let message = ''
  await waitFor(
    async () => {
      message = await requireAlive().then(
        () => '',
        (error: Error) => error.message,
      )
      return message !== ''
    },
    () => 'it is said to be alive',
    { deadlineMs: 5_000 },
  )
  expect(message).toContain('exited with 3')
  expect(message).toContain('no such disk')
})
