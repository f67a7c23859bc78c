import { randomUUID } from 'node:crypto'
import type Docker from 'dockerode'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createDockerHost,
  type DockerHost,
  findContainer,
  hardenedHostConfig,
  labelsFor,
  listContainers,
  stopAndRemove,
} from '../../agent/containers/docker.ts'
import { resolveImage } from '../../agent/containers/images.ts'
import { awaitInspection } from '../../agent/odoo/inspection/await-inspection.ts'
import { registry } from '../support/odoo-services.ts'
import { createTask } from '../support/task-context.ts'
import { waitFor } from '../support/wait-for.ts'

// How a look at a candidate may end, and what then is the candidate's own doing. A shell stands in for `odoo shell`: what is
// judged here is the container.

let host: DockerHost
let image: string
const rules = { knownFingerprints: [], knownLines: [], servingOnly: false }
const loaded = `echo "2026-01-01 10:00:00,000 1 INFO odoo odoo.registry: Registry loaded in 1.000s" >&2`

beforeAll(async () => {
  host = createDockerHost({ agentId: `test-${randomUUID().slice(0, 8)}` })
  image = (await resolveImage(host, `${registry}/fairway/postgres:18`)).reference
})
afterAll(async () => {
  for (const { Id } of await listContainers(host)) await stopAndRemove(host, Id, 0)
})

async function make(command: string): Promise<{ runtimeId: string; container: Docker.Container }> {
  const runtimeId = randomUUID()
  const container = await host.docker.createContainer({
    name: `fairway-inspection-${runtimeId}`,
    Image: image,
    Entrypoint: ['bash', '-c', command],
    Cmd: [],
    User: '999:999',
    AttachStdin: true,
    OpenStdin: true,
    StdinOnce: true,
    Labels: labelsFor(host, { role: 'inspection' }),
    HostConfig: {
      ...hardenedHostConfig({ memoryBytes: 64 * 1024 ** 2, maxProcesses: 32 }),
      NetworkMode: 'none',
    },
  })
  return { runtimeId, container }
}

/** With its input, as the task that starts a runtime gives it. */
async function begin(command: string, input = '') {
  const made = await make(command)
  const stdin = await made.container.attach({ stream: true, stdin: true, hijack: true })
  await made.container.start()
  stdin.end(input)
  return made
}

const look = async (runtimeId: string) => {
  const inspected = await awaitInspection(host, runtimeId, rules, createTask().context, () => {})
  expect(await findContainer(host, `fairway-inspection-${runtimeId}`)).toBeUndefined()
  return inspected
}

test.each([137, 143, 255])(
  'code that ends by itself with %i is the candidate’s fault',
  async (code) => {
    const { runtimeId } = await begin(`${loaded}; exit ${code}`)
    expect(await look(runtimeId)).toMatchObject({ failure: expect.stringContaining(`exit code ${code}`) })
  },
  60_000,
)

test('so is a process that kills itself', async () => {
  const { runtimeId } = await begin('kill -9 $$')
  expect(await look(runtimeId)).toMatchObject({ failure: expect.any(String) })
}, 60_000)

test.each(['SIGKILL', 'SIGTERM'])(
  'one that was sent %s is not, whatever code it makes of it',
  async (signal) => {
    const { runtimeId, container } = await begin("trap 'exit 1' TERM; while :; do sleep 0.1; done")
    const looking = look(runtimeId)
    await container.kill({ signal })
    expect(await looking).toBeNull()
  },
  60_000,
)

test('one that its agent made and did not start is not looked at', async () => {
  const { runtimeId } = await make('true')
  expect(await look(runtimeId)).toBeNull()
}, 60_000)

test('one that its agent started and gave nothing is not waited for', async () => {
  const { runtimeId, container } = await make(`${loaded}; cat`)
  await container.start()
  expect(await look(runtimeId)).toBeNull()
}, 60_000)

test('one whose agent ended before it gave anything neither', async () => {
  const { runtimeId, container } = await make(`${loaded}; cat`)
  const stdin = await container.attach({ stream: true, stdin: true, hijack: true })
  await container.start()
  ;(stdin as NodeJS.ReadWriteStream & { destroy(): void }).destroy()
  expect(await look(runtimeId)).toBeNull()
}, 60_000)

test('code that ends well before its registry is loaded is the candidate’s fault', async () => {
  const { runtimeId } = await begin('exit 0')
  expect(await look(runtimeId)).toMatchObject({ failure: expect.any(String) })
}, 60_000)

test('one that has its input is not disturbed by being followed', async () => {
  const { runtimeId, container } = await begin(
    `${loaded}; read -r line; touch /tmp/given; until [ -e /tmp/on ]; do sleep 0.1; done; echo "$line"; cat`,
    `fairway-inspection {"kind": "done"}\n`,
  )
  const looking = look(runtimeId)
  await waitFor('its input', async () => (await exec(container, 'test -e /tmp/given')) === 0, 30_000)
  await exec(container, 'touch /tmp/on')
  expect(await looking).toMatchObject({ findings: { begun: true, done: true } })
}, 60_000)

async function exec(container: Docker.Container, command: string): Promise<number | null> {
  const run = await container.exec({ Cmd: ['bash', '-c', command], AttachStdout: true, AttachStderr: true })
  await (await run.start({})).resume().toArray()
  return (await run.inspect()).ExitCode
}
