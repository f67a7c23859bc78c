import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  createDockerHost,
  type DockerHost,
  hardenedHostConfig,
  listContainers,
  stopAndRemove,
} from '../../agent/containers/docker.ts'
import { resolveImage } from '../../agent/containers/images.ts'
import { type OneOff, runOneOff } from '../../agent/containers/one-off.ts'
import { collectTaskOrphans, withoutLeftovers } from '../../agent/tasks/leftovers.ts'
import { ApplyModulesTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { registry } from '../support/odoo-services.ts'
import { freePort } from '../support/postgres.ts'
import { createTask, type RecordedTask } from '../support/task-context.ts'

let host: DockerHost
let image: string

beforeAll(async () => {
  host = createDockerHost({ agentId: `test-${randomUUID().slice(0, 8)}` })
  image = (await resolveImage(host, `${registry}/fairway/postgres:18`)).reference
})
afterAll(async () => {
  for (const { Id } of await listContainers(host)) await stopAndRemove(host, Id, 0)
})

const script = (command: string, memoryMiB = 64): OneOff => ({
  name: 'script',
  source: 'odoo',
  container: {
    Image: image,
    Entrypoint: ['bash', '-c', command],
    Cmd: [],
    User: '999:999',
    HostConfig: {
      ...hardenedHostConfig({ memoryBytes: memoryMiB * 1024 ** 2, maxProcesses: 32 }),
      NetworkMode: 'none',
    },
  },
})
const count = () => {
  const lines: string[] = []
  return {
    line: (text: string) => void lines.push(text),
    finish: ({ exitCode }: { exitCode: number }) => ({ exitCode, lines }),
  }
}
const texts = (task: RecordedTask) => task.lines.map(({ text }) => text)
const numbers = Array.from({ length: 20 }, (_, i) => `line ${i + 1}`)
const counting = () => script('for i in $(seq 20); do echo line $i; sleep 0.1; done; exit 3')

test('a container that outlives its agent is followed further: started once, each line logged once', async () => {
  const task = createTask()
  const first = runOneOff(host, task.context, counting(), count)
  await vi.waitFor(() => expect(texts(task).slice(0, 5)).toEqual(numbers.slice(0, 5)), {
    timeout: 10_000,
    interval: 20,
  })
  task.abort('shutdown')
  await expect(first).rejects.toMatchObject({ why: 'shutdown' })
  const [running] = await listContainers(host, { task: task.context.taskId })
  expect(running?.State).toBe('running')
  const resumed = task.resume()
  const result = await runOneOff(host, resumed.context, counting(), count)
  expect(result).toEqual({ exitCode: 3, lines: numbers })
  expect(texts(resumed)).toEqual(numbers)
  expect(await listContainers(host, { task: task.context.taskId })).toEqual([])
})

test('one that ended while nobody looked is judged, and a result that is known is not made again', async () => {
  const task = createTask()
  const first = runOneOff(host, task.context, script('echo a; echo b'), count)
  await vi.waitFor(
    async () => expect(await listContainers(host, { task: task.context.taskId })).toHaveLength(1),
    { interval: 5 },
  )
  task.abort('shutdown')
  await first.catch(() => undefined)
  const resumed = task.resume()
  const result = await runOneOff(host, resumed.context, script('echo a; echo b'), count)
  expect(result).toEqual({ exitCode: 0, lines: ['a', 'b'] })
  expect(texts(resumed)).toEqual(['a', 'b'])
  expect(await runOneOff(host, task.resume().context, script('exit 9'), count)).toEqual(result)
})

test('cancelling ends it and leaves nothing', async () => {
  const task = createTask()
  const running = runOneOff(host, task.context, script('echo begun; exec sleep 60'), count)
  await vi.waitFor(() => expect(texts(task)).toContain('begun'), { timeout: 20_000, interval: 20 })
  task.abort('cancelled')
  await expect(running).rejects.toMatchObject({ why: 'cancelled' })
  expect(await listContainers(host, { task: task.context.taskId })).toEqual([])
})

test('nothing is left of a task that nobody takes up again, and the others are left alone', async () => {
  const workDirectory = await mkdtemp(join(tmpdir(), 'fairway-work-'))
  const [gone, open] = [createTask(), createTask()]
  for (const task of [gone, open]) {
    const running = runOneOff(host, task.context, script('echo begun; exec sleep 60'), count)
    await vi.waitFor(() => expect(texts(task)).toContain('begun'), { timeout: 20_000, interval: 20 })
    task.abort('shutdown')
    await running.catch(() => undefined)
    await mkdir(join(workDirectory, 'tasks', `${task.context.taskId}-1`), { recursive: true })
  }
  const isOpen = (taskId: string) => taskId === open.context.taskId
  const removed = await collectTaskOrphans({ docker: host, workDirectory }, isOpen)
  expect(removed.toSorted()).toEqual(
    [`${gone.context.taskId}-1`, `fairway-task-${gone.context.taskId}-1-script`].toSorted(),
  )
  expect(await listContainers(host, { role: 'task' })).toHaveLength(1)
  expect(await readdir(join(workDirectory, 'tasks'))).toEqual([`${open.context.taskId}-1`])
  // Cancelled while no agent was there: taken up again only to end.
  const resumed = open.resume()
  resumed.abort('cancelled')
  const handler = withoutLeftovers<'applyModules'>(
    { docker: host, workDirectory },
    async () => resumed.context.signal.throwIfAborted() as never,
  )
  await expect(handler(create(ApplyModulesTaskSchema), resumed.context)).rejects.toMatchObject({
    why: 'cancelled',
  })
  expect(await listContainers(host, { role: 'task' })).toEqual([])
  await rm(workDirectory, { recursive: true })
})

test('one that needs too much memory is told as such', async () => {
  const hungry = script('tail /dev/zero', 32)
  await expect(runOneOff(host, createTask().context, hungry, count)).rejects.toMatchObject({
    reason: 'out-of-memory',
    message: expect.stringContaining('32 MiB'),
  })
})

test('an image that cannot be is missing like any other', async () => {
  for (const reference of ['postgres@sha256:zz', 'UPPER/case', `${registry}/nobody/nothing:1`])
    await expect(resolveImage(host, reference)).rejects.toMatchObject({ reason: 'image-unavailable' })
})

test('a registry that nobody can ask refuses nobody, whatever the image is called', async () => {
  const reference = `127.0.0.1:${await freePort()}/unauthorized/no-basic-auth-credentials:1`
  await expect(resolveImage(host, reference)).rejects.toMatchObject({
    reason: 'registry-unavailable',
    message: expect.stringContaining('connection refused'),
  })
})
