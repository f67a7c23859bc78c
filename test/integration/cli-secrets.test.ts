import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listSecretRefs } from '../../server/governance/secrets/scopes.ts'
import { openSecrets } from '../../server/governance/secrets/values.ts'
import { runCli, typeSecretly } from '../support/cli.ts'
import { letSecretsBeRead } from '../support/secrets.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeBuild, arrangeTenant, finishBuild, type Tenant } from '../support/tenant.ts'

let server: TestServer
let tenant: Tenant
let directory: string
let env: Record<string, string>

beforeAll(async () => {
  server = await startTestServer()
  directory = await mkdtemp(join(tmpdir(), 'fairway-cli-secrets-'))
  const { organizationId, token } = await server.createTenant('people')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token, XDG_CONFIG_HOME: directory }
  await letSecretsBeRead(tenant)
})
afterAll(async () => {
  await server?.close()
  await rm(directory, { recursive: true, force: true })
})

const cli = (words: string[], input?: string) => runCli(words, env, input)
const values = (stage: 'production' | 'staging') =>
  tenant.scope(async (tx) => {
    const place = { projectId: tenant.projectId, environment: { name: 'any', stage } }
    const refs = await listSecretRefs(tx, place)
    return Object.fromEntries(await openSecrets(tx, server.context.sealer, place, refs))
  })

test('a value comes from standard input without its last line end, or from a file as it is', async () => {
  expect(
    (await cli(['secret', 'set', 'shop', 'FROM_PIPE', '--env', 'production'], 'piped-value\n')).code,
  ).toBe(0)
  const file = join(directory, 'key')
  await writeFile(file, 'line one\nline two\n')
  expect((await cli(['secret', 'set', 'shop', 'FROM_FILE', '--from-file', file])).code).toBe(0)
  expect(await values('production')).toEqual({ FROM_FILE: 'line one\nline two\n', FROM_PIPE: 'piped-value' })
  expect(await values('staging')).toEqual({ FROM_FILE: 'line one\nline two\n' })
})

test('a value never comes from the command line', async () => {
  for (const words of [
    ['secret', 'set', 'shop', 'KEY', '--value', 'on-the-command-line'],
    ['secret', 'set', 'shop', 'KEY', 'on-the-command-line'],
  ]) {
    expect((await cli(words, 'x')).code).toBe(2)
  }
  expect(await values('staging')).not.toHaveProperty('KEY')
})

test('a value that is typed is not shown', async () => {
  const shown = await typeSecretly(
    ['secret', 'set', 'shop', 'TYPED', '--stage', 'staging'],
    env,
    'typed-on-a-terminal',
  )
  expect(shown).toContain('TYPED (staging) of shop is at version 1.')
  expect(shown).not.toContain('typed-on')
  expect(await values('staging')).toMatchObject({ TYPED: 'typed-on-a-terminal' })
})

test('what is no text is refused before it is sent', async () => {
  const file = join(directory, 'binary')
  await writeFile(file, Buffer.from([0xff, 0xfe, 0x00]))
  const refused = await cli(['secret', 'set', 'shop', 'BINARY', '--from-file', file])
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('base64')
  expect((await cli(['secret', 'set', 'shop', 'ABSENT', '--from-file', join(directory, 'no')])).code).toBe(2)
})

test.each([
  [['--env', 'production', '--stage', 'staging'], /not both/],
  [['--stage', 'live'], /no stage/],
  [['--env', 'nowhere'], /There is no environment/],
])('scope %j is refused', async (scope, reason) => {
  const { code, stderr } = await cli(['secret', 'set', 'shop', 'KEY', ...scope], 'a-value')
  expect(code).toBeGreaterThan(1)
  expect(stderr).toMatch(reason)
})

test('rotate needs what is set, and names who runs with the old value and what to do', async () => {
  expect((await cli(['secret', 'rotate', 'shop', 'NEVER_SET'], 'value')).code).toBe(3)
  const build = await arrangeBuild(server.context, tenant, 'release/1.0')
  await finishBuild(tenant, build)
  const { code, stdout, stderr } = await cli(['secret', 'rotate', 'shop', 'FROM_FILE'], 'short')
  expect(code).toBe(0)
  expect(stdout).toContain('FROM_FILE of shop is at version 2.')
  expect(stdout).toContain(`release-1-0  fairway build rebuild shop ${build.number}`)
  expect(stderr).toContain('fewer than 8 characters')
  const common = await cli(['secret', 'set', 'shop', 'RUNNING_ENV', '--stage', 'production'], 'production')
  expect(common).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/will not be masked.*`environment:`/),
  })
  await cli(['secret', 'delete', 'shop', 'RUNNING_ENV', '--stage', 'production', '--yes'])
  const listed = await cli(['secret', 'list', 'shop'])
  expect(listed.stdout).toMatch(/FROM_FILE +project +2 +member:ana .*release-1-0/)
  expect(listed.stdout).not.toMatch(/short|line one|piped/)
})

test('production that serves what staging built is started anew: to build that again would renew staging', async () => {
  const production = await arrangeBuild(server.context, tenant, 'main')
  const staged = await arrangeBuild(server.context, tenant, 'release/2.0')
  await finishBuild(tenant, { ...production, number: staged.number })
  const { stdout } = await cli(['secret', 'set', 'shop', 'PROMOTED', '--env', 'production'], 'for-production')
  expect(stdout).toContain(
    'production  fairway env stop shop production && fairway env start shop production',
  )
  expect(stdout).not.toContain('rebuild')
})

test('values are revealed to whom the policy allows it, and are gone once deleted', async () => {
  const reveal = ['secret', 'reveal', 'shop', 'FROM_PIPE', '--stage', 'production']
  expect(await cli(reveal)).toMatchObject({ code: 0, stdout: 'piped-value\n' })
  const rotated = await cli(['secret', 'rotate-keys', '--json'])
  expect(JSON.parse(rotated.stdout)).toMatchObject({ keyVersion: 2 })
  expect((await cli(reveal)).stdout).toBe('piped-value\n')
  expect((await cli(['secret', 'delete', 'shop', 'FROM_PIPE', '--env', 'production', '--yes'])).code).toBe(0)
  expect((await cli(reveal)).code).toBe(3)
})
