import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { run } from '../../agent/process.ts'
import { CredentialService } from '../../proto/gen/fairway/v1/credentials_pb.js'
import { SecretService } from '../../proto/gen/fairway/v1/secrets_pb.js'
import { listCredentialRefs, openCredentials } from '../../server/governance/secrets/credentials.ts'
import { listSecretRefs } from '../../server/governance/secrets/scopes.ts'
import { query } from '../support/postgres.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'

let server: TestServer
let directory: string
let tenant: Tenant
let token: string
let organizations = 0

beforeAll(async () => {
  server = await startTestServer()
  directory = await mkdtemp(join(tmpdir(), 'fairway-credentials-'))
})
afterAll(async () => {
  await server?.close()
  await rm(directory, { recursive: true, force: true })
})
beforeEach(async () => {
  const made = await server.createTenant(`org-${++organizations}`)
  token = made.token
  tenant = await arrangeTenant(server.context, made.organizationId, `shop-${organizations}`)
})

const client = (as = token) => server.client(CredentialService, as)
const set = async (kind: string, host: string, what: Record<string, unknown>) =>
  (await client().setCredential({ project: tenant.project, kind, host, ...what })).credential
const list = async () => (await client().listCredentials({ project: tenant.project })).credentials
const refused = (promise: Promise<unknown>): Promise<ConnectError> =>
  promise.then(
    () => expect.fail('the call succeeded'),
    (error: unknown) => ConnectError.from(error),
  )
/** What a task of a build would get. */
const given = (kinds: Parameters<typeof listCredentialRefs>[2] = ['git', 'registry', 'python']) =>
  tenant.scope(async (tx) => {
    const refs = await listCredentialRefs(tx, tenant.projectId, kinds)
    const values = await openCredentials(tx, server.context.sealer, tenant.projectId, refs)
    expect([...values.keys()].sort()).toEqual(refs.map(({ name }) => name))
    return Object.fromEntries(values)
  })
const keygen = async (...args: string[]) => {
  const file = join(directory, `key-${crypto.randomUUID()}`)
  await run('ssh-keygen', ['-q', '-N', '', '-C', 'ana@laptop', '-f', file, ...args])
  const publicKey = (await readFile(`${file}.pub`, 'utf8')).trim()
  return { privateKey: await readFile(file, 'utf8'), publicKey }
}
/** The public half of what is kept, as ssh itself reads it. */
const readBySsh = async (privateKey: string) => {
  const file = join(directory, `read-${crypto.randomUUID()}`)
  await writeFile(file, privateKey, { mode: 0o600 })
  return (await run('ssh-keygen', ['-y', '-f', file])).stdout.trim()
}

describe('a credential', () => {
  test('is kept for its host, sealed, and shown without its value', async () => {
    expect(await set('git', 'github.com', { password: 'ghp-canary-1' })).toMatchObject({
      kind: 'git',
      host: 'github.com',
      username: 'x-access-token',
      form: 'password',
      version: 1,
      setBy: 'member:ana',
    })
    await set('registry', 'ghcr.io', { username: 'acme', password: 'registry-canary-2' })
    await set('python', 'pypi.example:8443', { password: 'python-canary-3' })
    expect(await given()).toEqual({
      'git:github.com/PASSWORD': 'ghp-canary-1',
      'git:github.com/USERNAME': 'x-access-token',
      'python:pypi.example:8443/PASSWORD': 'python-canary-3',
      'python:pypi.example:8443/USERNAME': '__token__',
      'registry:ghcr.io/PASSWORD': 'registry-canary-2',
      'registry:ghcr.io/USERNAME': 'acme',
    })
    expect(Object.keys(await given(['git']))).toEqual(['git:github.com/PASSWORD', 'git:github.com/USERNAME'])
    const listed = await list()
    expect(listed.map(({ kind, host, username }) => [kind, host, username])).toEqual([
      ['git', 'github.com', 'x-access-token'],
      ['python', 'pypi.example:8443', '__token__'],
      ['registry', 'ghcr.io', 'acme'],
    ])
    const toJson = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)
    expect(JSON.stringify(listed, toJson)).not.toContain('canary')
    const rows = await query<{ value_sealed: Buffer }>(
      server.database.ownerUrl,
      'select value_sealed from secret_versions where organization_id = $1',
      [tenant.organizationId],
    )
    for (const { value_sealed } of rows) expect(value_sealed.includes('canary')).toBe(false)
  })

  test('is no secret of any environment, and no name of one', async () => {
    await set('git', 'github.com', { password: 'ghp-canary-1' })
    const secrets = server.client(SecretService, token)
    const { project } = tenant
    await secrets.setSecret({ project, name: 'SSH_KEY', value: 'of an environment' })
    await set('git', 'git.example', { deployKey: true })
    expect(
      (await secrets.listSecrets({ project })).secrets.map(({ name, version }) => [name, version]),
    ).toEqual([['SSH_KEY', 1]])
    expect((await secrets.setSecret({ project, name: 'SSH_KEY', value: 'another' })).secret?.version).toBe(2)
    for (const name of ['production', 'git:github.com']) {
      const environment = { name, stage: 'production' } as const
      const refs = await tenant.scope((tx) =>
        listSecretRefs(tx, { projectId: tenant.projectId, environment }),
      )
      expect(refs).toEqual([{ name: 'SSH_KEY', version: 2 }])
    }
    const scope = 'git:github.com'
    for (const call of [
      () => secrets.revealSecret({ project, name: 'PASSWORD', scope }),
      () => secrets.deleteSecret({ project, name: 'PASSWORD', scope }),
      () => secrets.setSecret({ project, name: 'TOKEN', scope, value: 'x' }),
    ])
      expect((await refused(call())).code).toBe(Code.NotFound)
  })

  test('takes the place of the one before it, whatever its form', async () => {
    await set('git', 'github.com', { username: 'bot', password: 'first' })
    const key = await set('git', 'github.com', { deployKey: true })
    expect(key).toMatchObject({ form: 'ssh-key', username: '', version: 2 })
    expect(Object.keys(await given())).toEqual(['git:github.com/SSH_KEY'])
    expect(await set('git', 'github.com', { password: 'third' })).toMatchObject({
      form: 'password',
      username: 'x-access-token',
      version: 3,
      publicKey: '',
    })
    expect(await given()).toEqual({
      'git:github.com/PASSWORD': 'third',
      'git:github.com/USERNAME': 'x-access-token',
    })
    expect(await list()).toHaveLength(1)
  })

  test('is gone with its values once it is deleted, and counts on when it is set again', async () => {
    await set('git', 'github.com', { password: 'first' })
    const { project } = tenant
    await client().deleteCredential({ project, kind: 'git', host: 'github.com' })
    expect(await list()).toEqual([])
    expect(await given()).toEqual({})
    const again = client().deleteCredential({ project, kind: 'git', host: 'github.com' })
    expect((await refused(again)).metadata.get('fairway-reason')).toBe('credential-not-found')
    const [row] = await query<{ bytes: number }>(
      server.database.ownerUrl,
      'select sum(octet_length(value_sealed))::int as bytes from secret_versions where organization_id = $1',
      [tenant.organizationId],
    )
    expect(row?.bytes).toBe(0)
    expect((await set('git', 'github.com', { password: 'second' }))?.version).toBe(2)
  })

  test('is sealed anew with all other secrets', async () => {
    await set('git', 'github.com', { password: 'stays-the-same' })
    const { resealed } = await server.client(SecretService, token).rotateKeys({})
    expect(resealed).toBe(2)
    expect((await given())['git:github.com/PASSWORD']).toBe('stays-the-same')
  })

  test('is of one project, and there are not without end of them', async () => {
    const other = await arrangeTenant(server.context, tenant.organizationId, `other-${organizations}`)
    await set('git', 'github.com', { password: 'of-this-project' })
    const refs = [{ name: 'git:github.com/PASSWORD', version: 1 }]
    const stolen = await tenant.scope((tx) =>
      openCredentials(tx, server.context.sealer, other.projectId, refs),
    )
    expect(stolen.size).toBe(0)
    for (let host = 1; host < 50; host++) await set('git', `host-${host}.example`, { password: 'x' })
    const full = await refused(set('git', 'one-too-many.example', { password: 'x' }))
    expect(full.code).toBe(Code.ResourceExhausted)
    expect((await set('git', 'github.com', { password: 'still' }))?.version).toBe(2)
  })

  test.each([
    ['git', 'GitHub.com', { password: 'x' }, 'invalid-host'],
    ['git', 'https://github.com', { password: 'x' }, 'invalid-host'],
    ['git', 'github.com/acme', { password: 'x' }, 'invalid-host'],
    ['git', 'github.com:0', { password: 'x' }, 'invalid-host'],
    ['git', 'github.com:65536', { password: 'x' }, 'invalid-host'],
    ['git', 'user@github.com', { password: 'x' }, 'invalid-host'],
    ['git', '-oProxyCommand=x', { password: 'x' }, 'invalid-host'],
    ['git', 'a..b', { password: 'x' }, 'invalid-host'],
    ['git', '', { password: 'x' }, 'invalid-host'],
    ['git', `${'a.'.repeat(150)}b`, { password: 'x' }, 'invalid-host'],
    ['ftp', 'github.com', { password: 'x' }, 'invalid-kind'],
    ['git', 'github.com', {}, 'invalid-credential'],
    ['git', 'github.com', { password: 'x', deployKey: true }, 'invalid-credential'],
    ['python', 'pypi.example', { deployKey: true }, 'invalid-credential'],
    ['git', 'github.com', { username: 'git', deployKey: true }, 'invalid-username'],
    ['registry', 'ghcr.io', { password: 'x' }, 'invalid-username'],
    ['git', 'github.com', { username: 'a:b', password: 'x' }, 'invalid-username'],
    ['git', 'github.com', { password: 'two\nlines' }, 'invalid-password'],
    ['git', 'github.com', { password: 'x'.repeat(9_000) }, 'invalid-password'],
    ['git', 'github.com', { sshKey: 'x'.repeat(40_000) }, 'invalid-ssh-key'],
  ])('for %s %s is refused: %j', async (kind, host, what, reason) => {
    const error = await refused(set(kind, host, what))
    expect(error.code).toBe(Code.InvalidArgument)
    expect(error.metadata.get('fairway-reason')).toBe(reason)
  })
})

describe('an SSH key', () => {
  test.each([
    [['-t', 'ed25519']],
    [['-t', 'rsa', '-b', '2048']],
    [['-t', 'ecdsa']],
    [['-t', 'rsa', '-b', '2048', '-m', 'PEM']],
    [['-t', 'ecdsa', '-m', 'PKCS8']],
    [['-t', 'rsa', '-b', '3072', '-m', 'PKCS8']],
  ])('made by ssh-keygen %j is kept as ssh reads it, and its public half is shown', async (args) => {
    const { privateKey, publicKey } = await keygen(...args)
    const shown = await set('git', 'git.example', { sshKey: privateKey.replaceAll('\n', '\r\n') })
    const [type, blob] = publicKey.split(' ')
    expect(shown?.publicKey.startsWith(`${type} ${blob}`)).toBe(true)
    const { 'git:git.example/SSH_KEY': kept = '' } = await given()
    expect((await readBySsh(kept)).startsWith(`${type} ${blob}`)).toBe(true)
  })

  test('is made by the server where one asks for a deploy key', async () => {
    const shown = await set('git', 'git.example', { deployKey: true })
    expect(shown?.publicKey).toMatch(
      new RegExp(`^ssh-ed25519 [\\w+/]+=* fairway ${tenant.project} git\\.example$`),
    )
    const { 'git:git.example/SSH_KEY': kept = '' } = await given()
    expect(await readBySsh(kept)).toBe(shown?.publicKey)
    expect((await list())[0]?.publicKey).toBe(shown?.publicKey)
  })

  test('that is locked, public, too weak, of an unknown form or none is refused, and not quoted', async () => {
    const { privateKey, publicKey } = await keygen('-t', 'ed25519')
    const ed25519 = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })
    const pkcs8 = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const
    const rsa = createPrivateKey(
      generateKeyPairSync('rsa', {
        modulusLength: 1024,
        privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
        publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
      }).privateKey,
    )
    const cases: [string, RegExp][] = [
      [publicKey, /public key/],
      [(await keygen('-t', 'ed25519', '-N', 'secret')).privateKey, /passphrase/],
      [rsa.export(pkcs8).toString(), /passphrase/],
      [rsa.export({ type: 'pkcs1', format: 'pem' }).toString(), /fewer than 2048 bits/],
      [ed25519.toString(), /ssh-keygen -p/],
      [privateKey.slice(0, 200), /no private key/],
      ['nonsense', /no private key/],
    ]
    for (const [sshKey, why] of cases) {
      const error = await refused(set('git', 'git.example', { sshKey }))
      expect(error.metadata.get('fairway-reason')).toBe('invalid-ssh-key')
      expect(error.rawMessage).toMatch(why)
      expect(error.rawMessage).not.toContain(sshKey.slice(40, 60) || 'nonsense')
    }
    expect(await list()).toEqual([])
  })
})

test('who may set secrets of an environment only, may not; the log says who set what, and no value', async () => {
  const developer = await server.createMember(tenant.organizationId, 'dev', 'developer')
  const { project } = tenant
  const wanted = { project, kind: 'git', host: 'github.com', password: 'ghp-canary-1' }
  expect((await refused(client(developer).setCredential(wanted))).code).toBe(Code.PermissionDenied)
  expect((await client(developer).listCredentials({ project })).credentials).toEqual([])
  await client().setCredential(wanted)
  await client().deleteCredential({ project, kind: 'git', host: 'github.com' })
  const events = await query<{ action: string; subject_id: string; details: unknown }>(
    server.database.ownerUrl,
    `select action, subject_id, details from audit_events where organization_id = $1 and action like 'credential.%' order by id`,
    [tenant.organizationId],
  )
  expect(events).toMatchObject([
    {
      action: 'credential.set',
      subject_id: 'git:github.com',
      details: { project, kind: 'git', host: 'github.com', form: 'password', version: 1 },
    },
    { action: 'credential.delete', subject_id: 'git:github.com' },
  ])
  expect(JSON.stringify(events)).not.toContain('canary')
})
