import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../../agent/process.ts'
import { listCredentialRefs, openCredentials } from '../../server/governance/secrets/credentials.ts'
import { runCli, typeSecretly } from '../support/cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'

let server: TestServer
let tenant: Tenant
let directory: string
let env: Record<string, string>

beforeAll(async () => {
  server = await startTestServer()
  directory = await mkdtemp(join(tmpdir(), 'fairway-cli-credentials-'))
  const { organizationId, token } = await server.createTenant('people')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token, XDG_CONFIG_HOME: directory }
})
afterAll(async () => {
  await server?.close()
  await rm(directory, { recursive: true, force: true })
})

const cli = (words: string[], input?: string) => runCli(['credential', ...words], env, input)
const values = () =>
  tenant.scope(async (tx) => {
    const refs = await listCredentialRefs(tx, tenant.projectId, ['git', 'registry', 'python'])
    return Object.fromEntries(await openCredentials(tx, server.context.sealer, tenant.projectId, refs))
  })

test('a password comes from standard input or a file, without its last line end, and is never listed', async () => {
  const piped = await cli(['set', 'shop', 'registry', 'ghcr.io', '--username', 'acme'], 'piped-token\n')
  expect(piped).toMatchObject({
    code: 0,
    stdout: 'The registry credential for ghcr.io of shop is at version 1.\n',
  })
  expect((await cli(['set', 'shop', 'git', 'github.com', '--password-stdin'], 'git-token\r\n')).code).toBe(0)
  const file = join(directory, 'token')
  await writeFile(file, 'token-of-a-file\n')
  expect((await cli(['set', 'shop', 'python', 'pypi.example', '--from-file', file])).code).toBe(0)
  expect(await values()).toEqual({
    'git:github.com/PASSWORD': 'git-token',
    'git:github.com/USERNAME': 'x-access-token',
    'python:pypi.example/PASSWORD': 'token-of-a-file',
    'python:pypi.example/USERNAME': '__token__',
    'registry:ghcr.io/PASSWORD': 'piped-token',
    'registry:ghcr.io/USERNAME': 'acme',
  })
  const { stdout } = await cli(['list', 'shop'])
  expect(stdout).toMatch(/git +github\.com +password +x-access-token +1 +member:ana/)
  expect(stdout).not.toMatch(/git-token|piped|of-a-file/)
  const secrets = await runCli(['secret', 'list', 'shop', '--json'], env)
  expect(JSON.parse(secrets.stdout)).toEqual([])
})

test('a deploy key is made by the server; standard output is what the host has to know', async () => {
  const { code, stdout, stderr } = await cli(['set', 'shop', 'git', 'git.example:2222', '--deploy-key'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^ssh-ed25519 \S+ fairway shop git\.example:2222\n$/)
  expect(stderr).toContain('deploy key')
  const listed = JSON.parse((await cli(['list', 'shop', '--json'])).stdout) as Record<string, unknown>[]
  expect(listed.find(({ host }) => host === 'git.example:2222')).toMatchObject({
    kind: 'git',
    form: 'ssh-key',
    username: null,
    publicKey: stdout.trim(),
  })
})

test('a key of one’s own is read from a file', async () => {
  const file = join(directory, 'id_ed25519')
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'ana', '-f', file])
  const { code, stdout } = await cli(['set', 'shop', 'git', 'own.example', '--ssh-key', file])
  expect(code).toBe(0)
  expect(stdout).toBe(await readFile(`${file}.pub`, 'utf8'))
  expect((await values())['git:own.example/SSH_KEY']).toBe(await readFile(file, 'utf8'))
})

test('a password that is typed is not shown', async () => {
  const shown = await typeSecretly(
    ['credential', 'set', 'shop', 'git', 'typed.example'],
    env,
    'typed-on-a-terminal',
  )
  expect(shown).toContain('typed.example of shop is at version 1')
  expect(shown).not.toContain('typed-on')
  expect((await values())['git:typed.example/PASSWORD']).toBe('typed-on-a-terminal')
})

test.each([
  [['set', 'shop', 'git', 'x.example', '--deploy-key', '--password-stdin'], 2, /not several/],
  [['set', 'shop', 'git', 'x.example', '--password', 'on-the-command-line'], 2, /unknown option/],
  [['set', 'shop', 'git', 'x.example', '--ssh-key', '/nowhere/at/all'], 2, /cannot be read/],
  [['set', 'shop', 'git', 'https://x.example'], 2, /is no host/],
  [['set', 'shop', 'registry', 'x.example'], 2, /asks for a username/],
  [['set', 'nowhere', 'git', 'x.example'], 3, /no project/],
  [['delete', 'shop', 'git', 'x.example', '--yes'], 3, /credential list shop/],
])('%j ends with %d', async (words, code, why) => {
  const refused = await cli(words, 'a-value')
  expect(refused.code).toBe(code)
  expect(refused.stderr).toMatch(why)
})

test('what is deleted is gone', async () => {
  expect(await cli(['delete', 'shop', 'registry', 'ghcr.io', '--yes'])).toMatchObject({
    code: 0,
    stdout: 'The registry credential for ghcr.io of shop is deleted.\n',
  })
  expect(Object.keys(await values())).not.toContain('registry:ghcr.io/PASSWORD')
})
