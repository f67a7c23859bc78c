import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Code, ConnectError } from '@connectrpc/connect'
import { importJWK, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { IdentityService } from '../../proto/gen/fairway/v1/identity_pb.js'
import { runCli, startCli } from '../support/cli.ts'
import {
  confirmInBrowser,
  type OpenIdProvider,
  startOpenIdProvider,
  unverifiedPrefix,
} from '../support/openid.ts'
import { query } from '../support/postgres.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { waitFor } from '../support/wait-for.ts'

let provider: OpenIdProvider
let server: TestServer
let home: string

beforeAll(async () => {
  provider = await startOpenIdProvider()
  const { issuer, clientId } = provider
  server = await startTestServer({ oidc: { issuer, clientId } })
  home = await mkdtemp(join(tmpdir(), 'fairway-oidc-'))
  const { organizationId } = await server.createTenant('default')
  await server.createMember(organizationId, 'eve@example.com', 'developer')
})

afterAll(async () => {
  await server?.close()
  await provider?.close()
  await rm(home, { recursive: true, force: true })
})

const env = () => ({ FAIRWAY_SERVER: server.url, XDG_CONFIG_HOME: home })

/** `fairway login`, with a person at the browser. */
async function loginAs(account: string, words: string[] = [], answer: 'confirm' | 'abort' = 'confirm') {
  const running = startCli(['login', '--server', server.url, ...words], env())
  await waitFor('the address to open', () => running.stderr().includes('confirm the code'))
  const [, address = '', code = ''] = /Open (\S+)\nand confirm the code (\S+)\. /.exec(running.stderr()) ?? []
  expect(address).toContain(code)
  const page = await confirmInBrowser(address, account, answer)
  return { ...(await running.end), page }
}

test('a member logs in at the provider, by default, and gets a session of 12 hours', async () => {
  const { code, stdout, stderr, page } = await loginAs('Eve@Example.com')
  expect(stderr).toContain('Open http')
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `Logged in to ${server.url} as eve@example.com (developer) of default.\n`,
  })
  expect(page).toContain('Sign-in Success')
  const whoami = JSON.parse((await runCli(['whoami', '--json'], env())).stdout) as { expiresAt: string }
  const hours = (Date.parse(whoami.expiresAt) - Date.now()) / 3_600_000
  expect(hours).toBeGreaterThan(11.9)
  expect(hours).toBeLessThanOrEqual(12)
  const [row] = await query<{ actor: string; details: unknown }>(
    server.database.ownerUrl,
    "select actor, details from audit_events where action = 'session.start' order by id desc limit 1",
  )
  expect(row).toMatchObject({ actor: 'member:eve@example.com', details: { by: 'oidc' } })
  expect((await runCli(['logout'], env())).code).toBe(0)
  expect((await runCli(['whoami'], env())).code).toBe(4)
})

// At once, for each waits until the provider may be asked again.
describe.concurrent('nobody is logged in who', () => {
  test('is unknown; they are told who can add them', async () => {
    const { code, stderr } = await loginAs('mallory@example.com', ['--oidc'])
    expect(code).toBe(4)
    expect(stderr).toContain(
      'mallory@example.com is no member here. An owner can add you: `fairway member add',
    )
  })

  test('has an address that the provider has not verified', async () => {
    const { code, stderr } = await loginAs(`${unverifiedPrefix}eve@example.com`)
    expect(code).toBe(4)
    expect(stderr).toContain('does not vouch')
  })

  test('refuses in the browser', async () => {
    const { code, stderr } = await loginAs('eve@example.com', [], 'abort')
    expect(code).toBe(4)
    expect(stderr).toContain('refused in the browser')
  })
})

describe('an ID token is refused', () => {
  const now = () => Math.floor(Date.now() / 1_000)
  const good = () => ({
    iss: provider.issuer,
    aud: provider.clientId,
    // Whom the provider knew at eve’s first login.
    sub: 'Eve@Example.com',
    iat: now(),
    exp: now() + 600,
    email: 'eve@example.com',
    email_verified: true,
  })
  const sign = async (claims: Record<string, unknown>, alg = 'RS256') =>
    await new SignJWT(claims)
      .setProtectedHeader({ alg, kid: 'one' })
      .sign(alg === 'RS256' ? await importJWK(provider.jwk, 'RS256') : Buffer.from(provider.jwk.n ?? ''))
  const login = (idToken: string) => server.client(IdentityService).loginWithIdToken({ idToken })
  const refusal = async (idToken: string) => {
    const error = await login(idToken).then(
      () => expect.fail('it was accepted'),
      (reason: unknown) => ConnectError.from(reason),
    )
    expect(error.code).toBe(Code.Unauthenticated)
    return error.rawMessage
  }

  test('not when all is right', async () => {
    expect((await login(await sign(good()))).session?.member).toBe('eve@example.com')
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['of another issuer', { iss: 'https://evil.example' }, 'iss'],
    ['for another client', { aud: 'another' }, 'aud'],
    ['authorized to another client', { aud: ['fairway-cli', 'x'], azp: 'x' }, 'another client’s'],
    ['that has expired', { iat: 1_000, exp: 2_000 }, 'expired'],
    ['that was made long ago', { iat: 1_000 }, 'too long ago'],
    ['without an expiry', { exp: undefined }, 'exp'],
    ['without an address', { email: undefined }, 'does not vouch'],
    ['with an address verified in words only', { email_verified: 'true' }, 'does not vouch'],
  ])('%s', async (_, wrong, why) => {
    expect(await refusal(await sign({ ...good(), ...wrong }))).toContain(why)
  })

  test('whose signature is another’s, none, or made with the public key', async () => {
    const [head = '', body = '', signature = ''] = (await sign(good())).split('.')
    const forged = Buffer.from(JSON.stringify({ ...good(), email: 'owner@example.com' })).toString(
      'base64url',
    )
    expect(await refusal(`${head}.${forged}.${signature}`)).toContain('did not sign')
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    for (const token of [`${none}.${body}.`, `${none}.${body}.${signature}`]) {
      expect(await refusal(token)).toContain('refused')
    }
    expect(await refusal(await sign(good(), 'HS256'))).toContain('algorithm')
    expect(await refusal('')).toContain('refused')
  })
})

test('a provider that is away is not the person’s fault', async () => {
  const away = await startTestServer({ oidc: { issuer: 'http://127.0.0.1:9', clientId: 'x' } })
  try {
    const idToken = await new SignJWT({ sub: 'x' })
      .setProtectedHeader({ alg: 'RS256' })
      .sign(await importJWK(provider.jwk, 'RS256'))
    await expect(away.client(IdentityService).loginWithIdToken({ idToken })).rejects.toMatchObject({
      code: Code.Unavailable,
    })
    const { code, stderr } = await runCli(['login', '--server', away.url], env())
    expect(code).toBe(1)
    expect(stderr).toContain('http://127.0.0.1:9')
  } finally {
    await away.close()
  }
})
