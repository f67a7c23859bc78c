import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '../support/cli.ts'
import { freePort } from '../support/postgres.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeBuild, arrangeTenant, finishBuild } from '../support/tenant.ts'
import { waitFor } from '../support/wait-for.ts'

// The names that completion scripts ask for; whatever is wrong, the line that somebody types stays as it is.

const silent = { code: 0, stdout: '', stderr: '' }
let server: TestServer
let env: Record<string, string>

beforeAll(async () => {
  server = await startTestServer()
  const { organizationId, token } = await server.createTenant('people')
  const shop = await arrangeTenant(server.context, organizationId, 'shop')
  const acme = await arrangeTenant(server.context, organizationId, 'acme')
  for (const branch of ['main', 'release/1.0', 'feature/$(id)', 'feature/a;b', 'feature/`id`', 'feature/é'])
    await arrangeBuild(server.context, shop, branch)
  await finishBuild(acme, await arrangeBuild(server.context, acme, 'release/1.0'))
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token, XDG_CONFIG_HOME: '/nonexistent' }
})
afterAll(() => server?.close())

const names = (kind: string, environment = env) => runCli(['completion', '--names', kind], environment)

/** A machine that is busy may take longer than somebody at a terminal is let wait. */
const namesAtLast = (kind: string) =>
  waitFor(`${kind} in time`, async () => {
    const { stdout } = await names(kind)
    return stdout !== '' && stdout.trimEnd().split('\n')
  })

test('names of the server, each once, and none that a shell would take for more', async () => {
  expect(await namesAtLast('projects')).toEqual(['acme', 'shop'])
  expect(await namesAtLast('branches')).toEqual(['main', 'release/1.0'])
  expect(await namesAtLast('environments')).toContain('acme/release-1-0')
})

test('nothing, and no word, where nobody is logged in or the server is away', async () => {
  expect(await names('projects', { XDG_CONFIG_HOME: '/nonexistent' })).toEqual(silent)
  expect(await names('projects', { ...env, FAIRWAY_TOKEN: 'ft_wrong' })).toEqual(silent)
  expect(await names('hosts', { ...env, FAIRWAY_SERVER: `http://127.0.0.1:${await freePort()}` })).toEqual(
    silent,
  )
})

test('a server that does not answer is not waited for', async () => {
  const mute = createServer().listen(0, '127.0.0.1')
  await once(mute, 'listening')
  try {
    const { port } = mute.address() as AddressInfo
    expect(await names('projects', { ...env, FAIRWAY_SERVER: `http://127.0.0.1:${port}` })).toEqual(silent)
  } finally {
    mute.close()
  }
})

test('a shell that is not known is refused', async () => {
  expect(await runCli(['completion', 'powershell'], env)).toEqual({
    code: 2,
    stdout: '',
    stderr: 'fairway: Which shell? Give one of bash, zsh, fish.\n',
  })
})
