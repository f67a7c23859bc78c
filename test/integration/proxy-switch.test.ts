import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { requestHttp } from '../../agent/containers/http-request.ts'
import { createProxyAdmin } from '../../agent/containers/proxy-admin.ts'
import { stopRuntime } from '../../agent/tasks/stop-runtime.ts'
import { switchRoute } from '../../agent/tasks/switch-route.ts'
import { StopRuntimeTaskSchema, SwitchRouteTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { startHttpRuntime } from '../support/http-runtime.ts'
import { type Shot, startLoad } from '../support/load.ts'
import { createTestServices, registry, type TestServices } from '../support/odoo-services.ts'
import { createStep, LIMITS } from '../support/storage.ts'
import { createTask, type RecordedTask } from '../support/task-context.ts'
import { openWebsocket } from '../support/websocket.ts'

// A promotion without a module update, as visitors see it: the route goes from one runtime to the next, and the first
// is stopped and removed, while requests come in all the time.

let services: TestServices
const cell = { id: randomUUID(), environmentId: randomUUID() }
const hostname = 'shop.example.test'
const text = 'y'.repeat(30_000)

const whole = (body: string) => body.length === 20_000
const posted = { method: 'POST', path: '/echo', body: text, accept: (body: string) => body === text } as const
const shots: Shot[] = [
  { name: 'fresh', path: '/', accept: whole },
  { name: 'kept', path: '/', accept: whole, keepAlive: true },
  { name: 'fresh post', ...posted },
  { name: 'kept post', ...posted, keepAlive: true },
  { name: 'kept', path: '/', accept: whole, keepAlive: true },
  { name: 'slow', path: '/?s=1', accept: whole, keepAlive: true },
  { name: 'kept post', ...posted, keepAlive: true },
  { name: 'fresh', path: '/', accept: whole },
  { name: 'slow post', ...posted, path: '/echo?s=1', keepAlive: true },
  { name: 'very slow', path: '/?s=3', accept: whole },
]

beforeAll(async () => {
  services = await createTestServices()
  const postgresImage = `${registry}/fairway/postgres:18`
  await services.cells.create({ ...cell, stage: 'staging', postgresImage, limits: LIMITS }, createStep())
}, 60_000)
afterAll(() => services?.[Symbol.asyncDispose](), 60_000)

const never = new AbortController().signal
const get = (path: string) =>
  requestHttp(`http://127.0.0.1:${services.proxy.port}${path}`, {
    host: hostname,
    signal: never,
    timeoutMs: 20_000,
  })
/** Until the proxy has that many requests or sockets under way. */
const underWay = (count: number) =>
  vi.waitFor(async () => expect(await countUnderWay()).toBe(count), { timeout: 10_000, interval: 20 })
async function countUnderWay(): Promise<number> {
  const socketPath = join(services.directory, 'proxy', 'run', 'admin.sock')
  const requests = await createProxyAdmin(socketPath, async () => '').listRequests(never)
  // Caddy counts once by what is configured and once by where it went.
  const byAddress = [...requests].filter(([address]) => !address.startsWith('{'))
  return byAddress.reduce((sum, [, each]) => sum + each, 0)
}
const route = (runtimeId: string, to = { environmentId: cell.environmentId, hostnames: [hostname] }) =>
  switchRoute(services)(
    create(SwitchRouteTaskSchema, { ...to, target: { case: 'runtimeId', value: runtimeId } }),
    createTask().context,
  )
const stop = async (runtimeId: string, drainSeconds: number): Promise<RecordedTask> => {
  const task = createTask()
  const input = create(StopRuntimeTaskSchema, { runtimeId, remove: true, drainSeconds })
  await stopRuntime(services)(input, task.context)
  return task
}

test('no request is lost while runtimes change under load', async () => {
  let current = 'runtime-0'
  await startHttpRuntime(services, cell, current)
  await route(current)
  const load = startLoad({ port: services.proxy.port, host: hostname, perSecond: 50 }, shots)
  for (const next of ['runtime-1', 'runtime-2', 'runtime-3']) {
    await load.answered(50)
    await startHttpRuntime(services, cell, next)
    await route(next)
    await stop(current, 60)
    current = next
  }
  await load.answered(50)
  const { sent, lost, servers } = await load.stop()
  expect(lost).toEqual([])
  expect(sent).toBeGreaterThan(400)
  expect([...servers.keys()].sort()).toEqual(['runtime-0', 'runtime-1', 'runtime-2', 'runtime-3'])
}, 120_000)

test('routes of others change, and neither a long request nor a websocket notices', async () => {
  const { socket } = await openWebsocket(services.proxy.port, hostname)
  const closed = vi.fn()
  socket?.on('close', closed)
  // Longer than Caddy is given to end when its container is stopped.
  const long = get('/?s=7')
  await underWay(2)
  for (const other of ['a', 'b']) {
    await route('runtime-3', { environmentId: randomUUID(), hostnames: [`${other}.example.test`] })
  }
  expect(await long).toMatchObject({ status: 200, body: expect.stringMatching(/^x{20000}$/) })
  expect(closed).not.toHaveBeenCalled()
  socket?.destroy()
}, 60_000)

test('a websocket is not waited for, and a request that does not end is not waited for for ever', async () => {
  const { status, socket } = await openWebsocket(services.proxy.port, hostname)
  expect(status).toBe(101)
  const closed = new Promise((resolve) => socket?.once('close', resolve))
  await startHttpRuntime(services, cell, 'runtime-4')
  await route('runtime-4')
  const drained = await stop('runtime-3', 60)
  expect(drained.warnings).toEqual([])
  expect(drained.lines.map(({ text }) => text).join()).toMatch(/no request is left .* after \d{1,3} ms/)
  await closed

  const cut = get('/?s=15').catch((error: Error) => error.message)
  await underWay(1)
  const begun = performance.now()
  const given = await stop('runtime-4', 1)
  expect(performance.now() - begun).toBeLessThan(8_000)
  expect(given.warnings.join()).toMatch(/1 requests did not end after 1\d{3} ms/)
  expect(await cut).toBeDefined()
}, 60_000)

test('without a proxy there is nothing to wait for', async () => {
  await startHttpRuntime(services, cell, 'runtime-5')
  await services.docker.docker.getContainer(`fairway-proxy-${services.agentId}`).remove({ force: true })
  const begun = performance.now()
  expect((await stop('runtime-5', 60)).warnings).toEqual([])
  expect(performance.now() - begun).toBeLessThan(20_000)
}, 60_000)
