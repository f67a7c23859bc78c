import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  createContainer,
  createDockerHost,
  type DockerHost,
  findContainer,
  hardenedHostConfig,
  labelsFor,
  listContainers,
  startContainer,
  stopAndRemove,
  tailLogs,
} from '../../agent/containers/docker.ts'
import { resolveImage } from '../../agent/containers/images.ts'
import { stopOdoo } from '../../agent/containers/stop-odoo.ts'
import { registry } from '../support/odoo-services.ts'

// Processes that end as Odoo's do, each as slowly as it is told to: a server, its workers, and what they say.

const killed = 137
const graceSeconds = 600

let host: DockerHost
let image: string

beforeAll(async () => {
  host = createDockerHost({ agentId: `test-${randomUUID().slice(0, 8)}` })
  image = (await resolveImage(host, `${registry}/fairway/postgres:18`)).reference
})
afterAll(async () => {
  for (const { Id } of await listContainers(host)) await stopAndRemove(host, Id, 0)
})

/** Waits without a process of its own for it. */
const pause = (seconds: number) => `read -t ${seconds} -u 3`
const say =
  'echo "31 INFO odoo odoo.service.server: Worker ($BASHPID) exiting. request_count: 1, registry count: 1."'
const forEver = `while :; do ${pause(1)}; done`

/** @param atEnd what the worker does once it is told to end. */
const worker = (atEnd: string) =>
  `( trap told=1 USR1; echo ready; until [ "$told" ]; do ${pause(0.05)}; done; ${atEnd} ) & workers="$workers $!"`

async function stopped(...workers: string[]) {
  const name = `fairway-test-stop-${randomUUID()}`
  const server = [
    'mkfifo /tmp/none; exec 3<>/tmp/none',
    "trap 'kill -USR1 $workers' TERM",
    ...workers.map(worker),
    'until wait; do :; done',
    'wait',
    'echo the server is done',
  ].join('\n')
  const container = await createContainer(host, {
    name,
    Image: image,
    Entrypoint: ['bash', '-c', server],
    Cmd: [],
    User: '999:999',
    StopSignal: 'SIGTERM',
    Labels: labelsFor(host, { role: 'odoo' }),
    HostConfig: {
      ...hardenedHostConfig({ memoryBytes: 64 * 1024 ** 2, maxProcesses: 32 }),
      NetworkMode: 'none',
    },
  })
  await startContainer(container)
  await vi.waitFor(
    async () =>
      expect((await tailLogs(host, name, 50)).filter((line) => line === 'ready')).toHaveLength(
        workers.length,
      ),
    { timeout: 20_000 },
  )
  const notes: string[] = []
  await stopOdoo(host, name, graceSeconds, (text) => notes.push(text))
  expect(notes).toEqual([])
  const found = await findContainer(host, name)
  return {
    running: found?.State.Running,
    exitCode: found?.State.ExitCode,
    said: (await tailLogs(host, name, 50)).join('\n'),
  }
}

test('workers whose work is over are not waited for', async () => {
  const { running, exitCode, said } = await stopped(`${say}; ${forEver}`, `${say}; ${forEver}`)
  expect({ running, exitCode }).toEqual({ running: false, exitCode: killed })
  expect(said.match(/exiting/g)).toHaveLength(2)
}, 60_000)

test('a request that still runs comes to its end first', async () => {
  const { exitCode, said } = await stopped(
    `${say}; ${forEver}`,
    `${pause(1.5)}; echo the request is answered; ${say}; ${forEver}`,
  )
  expect(said).toContain('the request is answered')
  expect(exitCode).toBe(killed)
}, 60_000)

test('whatever else a worker has begun comes to its end first', async () => {
  const { exitCode, said } = await stopped(
    `${say}; sleep 1.5; echo the report is printed; ${forEver}`,
    `( sleep 1.5; echo the mail is sent ) & ${say}; ${forEver}`,
  )
  expect(said).toContain('the report is printed')
  expect(said).toContain('the mail is sent')
  expect(exitCode).toBe(killed)
}, 60_000)

test('workers that say nothing are waited for, and so is one of several', async () => {
  const { exitCode, said } = await stopped(say, `${pause(1.5)}; echo done`)
  expect(said).toContain('done')
  expect(said).toContain('the server is done')
  expect(exitCode).not.toBe(killed)
}, 60_000)

test('what does not run, or is not there, is stopped', async () => {
  await stopOdoo(host, `fairway-test-stop-${randomUUID()}`, graceSeconds, expect.fail)
})
