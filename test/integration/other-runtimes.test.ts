import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createContainer,
  createDockerHost,
  type DockerHost,
  hardenedHostConfig,
  labelsFor,
  listContainers,
  startContainer,
  stopAndRemove,
} from '../../agent/containers/docker.ts'
import { resolveImage } from '../../agent/containers/images.ts'
import { listRuntimes, runtimeName } from '../../agent/containers/odoo.ts'
import { stopRuntime } from '../../agent/tasks/stop-runtime.ts'
import { StopRuntimeTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { registry } from '../support/odoo-services.ts'
import { createTask } from '../support/task-context.ts'

// A run that was given up leaves its Odoo on a cell; whoever works on the cell next has it to itself.

let host: DockerHost
let image: string
beforeAll(async () => {
  host = createDockerHost({ agentId: `test-${randomUUID().slice(0, 8)}` })
  image = (await resolveImage(host, `${registry}/fairway/postgres:18`)).reference
})
afterAll(async () => {
  for (const { Id } of await listContainers(host)) await stopAndRemove(host, Id, 0)
})

async function runtimeOn(cell: string): Promise<string> {
  const runtime = randomUUID()
  const container = await createContainer(host, {
    name: runtimeName(runtime),
    Image: image,
    Entrypoint: ['sleep', '600'],
    Cmd: [],
    User: '999:999',
    StopSignal: 'SIGKILL',
    Labels: labelsFor(host, { role: 'odoo', cell, runtime }),
    HostConfig: {
      ...hardenedHostConfig({ memoryBytes: 64 * 1024 ** 2, maxProcesses: 8 }),
      NetworkMode: 'none',
    },
  })
  await startContainer(container)
  return runtime
}

test('what is stopped has its cell to itself; other cells keep theirs', async () => {
  const [cell, another] = [randomUUID(), randomUUID()]
  const current = await runtimeOn(cell)
  const next = await runtimeOn(cell)
  const left = await runtimeOn(cell)
  const elsewhere = await runtimeOn(another)
  const task = createTask()
  // Neither cells nor proxy are asked for: none is stopped, and nothing drains.
  const stop = stopRuntime({ docker: host } as Parameters<typeof stopRuntime>[0])
  const input = { runtimeId: current, aloneInCellId: cell, keepRuntimeId: next }
  await stop(create(StopRuntimeTaskSchema, input), task.context)
  const places = Object.fromEntries(
    (await listRuntimes(host)).map(({ runtimeId, running }) => [runtimeId, running]),
  )
  expect(places).toEqual({ [current]: false, [next]: true, [elsewhere]: true })
  expect(task.warnings).toEqual([expect.stringContaining(`Odoo ${left} was left on cell ${cell}`)])
  await stop(create(StopRuntimeTaskSchema, input), task.context)
  expect(task.warnings).toHaveLength(1)
}, 60_000)
