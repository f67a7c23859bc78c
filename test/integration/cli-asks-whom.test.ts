import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '../support/cli.ts'
import { arrangeMember, arrangeSecret } from '../support/people.ts'
import { query } from '../support/postgres.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeBuild, arrangeTenant, finishBuild, type Tenant } from '../support/tenant.ts'
import { pressOnTerminal } from '../support/terminal.ts'

// Nobody is asked for a yes that does not count. Approving, promoting and taking back have tests of their own.

let server: TestServer
let tenant: Tenant
let owner: Record<string, string>
let reader: Record<string, string>
let home: string

beforeAll(async () => {
  server = await startTestServer()
  home = await mkdtemp(join(tmpdir(), 'fairway-cli-asks-whom-'))
  const { organizationId, token } = await server.createTenant('people')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
  owner = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token, XDG_CONFIG_HOME: home }
  const auditor = await arrangeMember(tenant, 'auditor')
  await query(server.database.ownerUrl, 'delete from project_members')
  reader = { ...owner, FAIRWAY_TOKEN: await arrangeSecret(tenant, auditor) }
  for (const branch of ['main', 'feature/x'])
    await finishBuild(tenant, await arrangeBuild(server.context, tenant, branch))
  await writeFile(join(home, 'policy.yaml'), 'rehearsal: { required: false }\n')
  expect((await runCli(['secret', 'set', 'shop', 'KEY'], owner, 'a-value-that-is-long')).code).toBe(0)
})

afterAll(async () => {
  await server?.close()
  await rm(home, { recursive: true, force: true })
})

const press = (words: string[], env: Record<string, string>) =>
  pressOnTerminal(
    words.map((word) => (word === 'policy.yaml' ? join(home, word) : word)),
    env,
    { asked: words[1] === 'delete' && words[0] === 'project' ? 'to go on: ' : '[y/N]', keys: 'n\r' },
  )

test.each([
  [['env', 'stop', 'shop', 'production'], 'environment.stop'],
  [['env', 'destroy', 'shop', 'feature/x'], 'environment.destroy'],
  [['policy', 'set', 'shop', '-f', 'policy.yaml'], 'policy.set'],
  [['host', 'revoke', 'shop-host', '--reason', 'stolen'], 'host.revoke'],
  [['member', 'remove', 'test'], 'member.manage'],
  [['secret', 'delete', 'shop', 'KEY'], 'secret.set'],
  [['credential', 'delete', 'shop', 'git', 'github.com'], 'credential.set'],
  [['evidence', 'keys', '--rotate'], 'evidence.rotate-keys'],
  [['project', 'webhook', 'rotate', 'shop'], 'project.manage'],
  [['project', 'delete', 'shop'], 'project.manage'],
])(
  'fairway %j asks only who may',
  async (words, permission) => {
    const refused = await press(words, reader)
    expect(refused.lines.join(' ')).toMatch(new RegExp(`You may not do this \\(${permission}\\): .*\\.`))
    expect(refused.lines.join(' ')).not.toMatch(/\[y\/N\]|to go on:/)
    expect(refused.code).toBe(4)
    const asked = await press(words, owner)
    expect(asked.lines.join(' ')).toMatch(/\[y\/N\]|to go on:/)
    expect(asked.code).toBe(1)
  },
  30_000,
)

test.each<[string[], 'owner' | 'reader', number, RegExp]>([
  [['secret', 'set', 'shop', 'OTHER'], 'reader', 4, /You may not do this \(secret\.set\)/],
  [
    ['credential', 'set', 'shop', 'git', 'git.example'],
    'reader',
    4,
    /You may not do this \(credential\.set\)/,
  ],
  [['credential', 'set', 'shop', 'gti', 'git.example'], 'owner', 2, /no kind of credential.*Did you mean/],
  [['credential', 'set', 'shop', 'git', 'https://git.example/x'], 'owner', 2, /is no host/],
  [['credential', 'set', 'shop', 'registry', 'ghcr.io'], 'owner', 2, /--username/],
  [['env', 'stop', 'shop', 'relase-1-0'], 'owner', 3, /relase-1-0/],
  [['env', 'show', 'shop'], 'owner', 2, /shop is a project: name an environment as well/],
  [['run', 'abandon', 'shop/1', '--reason', 'lost'], 'owner', 5, /nothing left to give up/],
  [['approval', 'break-glass', '1f0c2a9e', '--reason', 'short'], 'owner', 2, /at least 10 characters/],
])('fairway %j says what is wrong before it asks for anything', async (words, who, code, told) => {
  const env = who === 'owner' ? owner : reader
  const { lines, code: ended } = await pressOnTerminal(words, env, { asked: '(not shown)', keys: '\r' })
  expect(lines.join(' ')).toMatch(told)
  expect(lines.join(' ')).not.toMatch(/not shown|\[y\/N\]/)
  expect(ended).toBe(code)
})

test('a token that may do this and read nothing is asked', async () => {
  const words = ['token', 'create', 'blind', '--scope', 'environment.stop', '--json']
  const { secret } = JSON.parse((await runCli(words, owner)).stdout) as { secret: string }
  const { lines } = await press(['env', 'stop', 'shop', 'feature/x'], { ...owner, FAIRWAY_TOKEN: secret })
  expect(lines.join(' ')).toContain('Stop shop/feature/x? [y/N]')
})
