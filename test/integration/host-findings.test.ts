import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDockerHost } from '../../agent/containers/docker.ts'
import { type RuntimeFacts, readRuntimeFacts } from '../../agent/containers/runtime-facts.ts'
import { runCli } from '../support/cli.ts'
import { createTestFleet, joinAgent, type TestAgent, type TestFleet } from '../support/fleet.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { waitFor } from '../support/wait-for.ts'

// What a host says of its Docker, over the real link, and what an owner is then told about it.

let server: TestServer
let fleet: TestFleet
let env: Record<string, string>
const agents: TestAgent[] = []

beforeAll(async () => {
  server = await startTestServer()
  fleet = await createTestFleet(server.database)
  const token = await server.createMember(fleet.organizationId, 'ana', 'owner')
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token, XDG_CONFIG_HOME: '/nonexistent' }
}, 60_000)
afterAll(async () => {
  for (const agent of agents) await agent[Symbol.asyncDispose]()
  await server?.close()
}, 30_000)

const json = async (...args: string[]) => JSON.parse((await runCli([...args, '--json'], env)).stdout)

/** A host whose agent says that of its Docker; gives its name once the server knows. */
async function join(facts: RuntimeFacts, pools: { name: string; driver: string }[] = []): Promise<string> {
  const link = await fleet.startServer()
  const agent = await joinAgent(fleet, {
    port: link.port,
    handlers: {},
    inventory: async () => ({
      cpuCount: 2,
      memoryBytes: 1n,
      pools: pools.map((pool) => ({ ...pool, sizeBytes: 1n, freeBytes: 1n, cellIds: [], snapshotIds: [] })),
      containerRuntime: { ...facts, components: [...facts.components] },
    }),
  })
  agents.push({
    ...agent,
    [Symbol.asyncDispose]: async () => {
      await agent[Symbol.asyncDispose]()
      await link.stop(1_000)
    },
  })
  let name = ''
  await waitFor('the host’s Docker to be known', async () => {
    const hosts: { id: string; name: string; runtime: unknown[] }[] = await json('host', 'list')
    name = hosts.find(({ id, runtime }) => id === agent.hostId && runtime.length > 0)?.name ?? ''
    return name !== ''
  })
  return name
}

const component = (name: string, version: string, build = '') => ({ name, version, build })

test('this machine’s Docker is reported as it describes itself', async () => {
  const docker = createDockerHost({ agentId: 'test' })
  const facts = await readRuntimeFacts(docker)
  expect(facts.components.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['Engine', 'containerd', 'runc']),
  )
  const { ServerVersion, LiveRestoreEnabled } = await docker.docker.info()
  expect(facts.components.find(({ name }) => name === 'Engine')?.version).toBe(ServerVersion)
  expect(facts.liveRestore).toBe(LiveRestoreEnabled)
  // A commit says nobody anything.
  for (const { version, build } of facts.components)
    expect(build === '' || build.startsWith(version)).toBe(true)
  const name = await join(facts)
  expect((await json('host', 'show', name)).runtime).toHaveLength(facts.components.length)
}, 60_000)

test('a Docker with known escapes stands in the list of hosts, and what to do where the host is shown', async () => {
  const name = await join({
    components: [component('Engine', '28.2.2'), component('runc', '1.1.11')],
    liveRestore: false,
    authorizationPlugins: false,
  })
  const { stdout: list } = await runCli(['host', 'list'], env)
  expect(list).toContain('runc 1.1.11: 4 known ways out of containers; update Docker')
  const { stdout: shown } = await runCli(['host', 'show', name], env)
  expect(shown).toContain('CVE-2024-21626: runc, 1.1.11')
  expect(shown).toContain('update runc to 1.1.12 or newer')
  expect(shown).toContain('live-restore-off')
  expect(await json('host', 'show', name)).toMatchObject({
    advice: expect.stringContaining('4 known ways out of containers'),
    findingsLookedAt: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    findings: expect.arrayContaining([
      expect.objectContaining({
        id: 'CVE-2025-52881',
        fixedIn: ['1.2.8', '1.3.3', '1.4.0-rc.3'],
        maybeFixed: false,
      }),
      expect.objectContaining({ id: 'live-restore-off', fixedIn: [], published: null }),
    ]),
  })
}, 60_000)

test('of a distribution’s build we say that it may be fixed; of a current one nothing', async () => {
  const debian = await join({
    components: [component('runc', '1.1.5+ds1', '1.1.5+ds1-1+deb12u1')],
    liveRestore: true,
    authorizationPlugins: false,
  })
  const { advice, findings } = await json('host', 'show', debian)
  expect(advice).toContain('unless the distribution has fixed them')
  expect(findings[0]).toMatchObject({ maybeFixed: true, installed: '1.1.5+ds1-1+deb12u1' })
  const current = await join({
    components: [component('Engine', '29.3.1'), component('containerd', '2.2.5'), component('runc', '1.3.4')],
    liveRestore: true,
    authorizationPlugins: true,
  })
  expect(await json('host', 'show', current)).toMatchObject({ advice: null, findings: [] })
}, 60_000)

test('a pool that copies is told, beside what is said of Docker', async () => {
  const facts = { components: [], authorizationPlugins: false, liveRestore: false }
  const known = { ...facts, components: [component('runc', '1.1.0')] }
  const slow = await join(known, [{ name: 'data', driver: 'copy' }])
  const { advice } = await json('host', 'show', slow)
  expect(advice).toMatch(/^.+ Its pool data copies all data .*docs\/operations\.md, "A pool that copies"\.$/)
  const fast = await join(known, [{ name: 'data', driver: 'reflink' }])
  expect((await json('host', 'show', fast)).advice).not.toContain('copies')
})
