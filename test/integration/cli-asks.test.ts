import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '../support/cli.ts'
import { arrangeGrant, arrangeMember } from '../support/people.ts'
import { query } from '../support/postgres.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeBuild, arrangeTenant, finishBuild, type Tenant } from '../support/tenant.ts'

// No terminal and no `--yes`: nothing is destroyed, stopped, taken away or approved. Which verbs that are: cli/asks.test.ts.
// Approving, promoting and going back are tried where there is something to: approval-cli.test.ts, release-cli.test.ts.

let server: TestServer
let tenant: Tenant
let env: Record<string, string>
let home: string

beforeAll(async () => {
  server = await startTestServer()
  home = await mkdtemp(join(tmpdir(), 'fairway-cli-asks-'))
  const { organizationId, token } = await server.createTenant('people')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token, XDG_CONFIG_HOME: home }
  for (const branch of ['main', 'feature/x'])
    await finishBuild(tenant, await arrangeBuild(server.context, tenant, branch))
  await writeFile(join(home, 'policy.yaml'), 'rehearsal: { required: false }\n')
  const value = { input: 'a-value-that-is-long', of: ['secret', 'set', 'shop', 'KEY'] }
  expect((await runCli(value.of, env, value.input)).code).toBe(0)
})

afterAll(async () => {
  await server?.close()
  await rm(home, { recursive: true, force: true })
})

const events = () => query(server.database.ownerUrl, 'select action, details from audit_events order by id')

test.each<[string[], (() => Promise<string>)?]>([
  [['env', 'stop', 'shop', 'production']],
  [['env', 'stop', 'shop', 'feature/x', '--no-wait', '--json']],
  [['env', 'destroy', 'shop', 'feature/x']],
  [['env', 'destroy', 'shop', 'production', '--confirm', 'production']],
  [['policy', 'set', 'shop', '-f', 'policy.yaml']],
  [['policy', 'set', 'shop', '-f', '-']],
  [['host', 'revoke', 'shop-host', '--reason', 'stolen']],
  [['member', 'remove'], () => arrangeMember(tenant)],
  [['member', 'remove', 'shop'], () => arrangeMember(tenant)],
  [['member', 'revoke-grant'], () => arrangeGrant(tenant)],
  [['secret', 'delete', 'shop', 'KEY']],
  [['credential', 'delete', 'shop', 'git', 'github.com']],
  [['token', 'revoke', 'test']],
  [['evidence', 'keys', '--rotate']],
  [['project', 'webhook', 'rotate', 'shop']],
  [['project', 'delete', 'shop']],
])('fairway %j does nothing', async (words, last) => {
  const more = last ? [await last()] : []
  const before = await events()
  const given = words.map((word) => (word === 'policy.yaml' ? join(home, word) : word))
  const input = words.includes('-') ? 'rehearsal: { required: false }\n' : 'y\nyes\nshop\n'
  const { code, stderr } = await runCli([...given, ...more], env, input)
  expect(stderr).toMatch(/Nothing was done, as there is no terminal .*the same with --(yes|confirm)/)
  expect(code).toBe(2)
  expect(await events()).toEqual(before)
})

test('and with --yes it does what it says', async () => {
  expect((await runCli(['secret', 'delete', 'shop', 'KEY', '--yes'], env)).code).toBe(0)
  expect((await runCli(['env', 'stop', 'shop', 'feature/x', '--no-wait', '-y'], env)).code).toBe(0)
})

test('help of a verb that asks names --yes', async () => {
  expect((await runCli(['rollback', '--help'], {})).stdout).toContain('-y, --yes')
})
