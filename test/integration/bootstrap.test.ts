import { readFile, stat } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AppContext } from '../../server/context.ts'
import { authenticate } from '../../server/services/identity/authenticate.ts'
import { adminCodeFile, bootstrap } from '../../server/services/identity/bootstrap.ts'
import { loginWithCode } from '../../server/services/identity/login.ts'
import { query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
let context: AppContext
/** Of the first login. */
let token = ''

beforeAll(async () => {
  database = await startTestDatabase()
  context = database.context
})

afterAll(() => database?.close())

const codeInFile = async () => (await readFile(adminCodeFile(context.config.dataDir), 'utf8')).trim()
const login = (code: string) => loginWithCode(context, { code, name: '' }, 'request')

test('the first start makes one organization, an owner and a code, however many servers do it', async () => {
  const made = await Promise.all(Array.from({ length: 5 }, () => bootstrap(context)))
  expect(new Set(made.map(({ organizationId }) => organizationId)).size).toBe(1)
  expect((await stat(adminCodeFile(context.config.dataDir))).mode & 0o777).toBe(0o600)
  for (const table of ['organizations', 'members']) {
    expect(await query(database.ownerUrl, `select from ${table}`), table).toHaveLength(1)
  }
  expect(await query(database.ownerUrl, 'select from tokens')).toHaveLength(0)
  const living = 'select from login_codes where expires_at > now() and used_at is null'
  expect(await query(database.ownerUrl, living)).toHaveLength(1)
  expect(made.map(({ offer }) => offer?.code)).toContain(await codeInFile())
})

test('until somebody has logged in each start makes a fresh code and voids the old', async () => {
  const old = await codeInFile()
  const { offer } = await bootstrap(context)
  expect(offer).toMatchObject({ member: 'admin', code: await codeInFile() })
  expect(offer?.code).not.toBe(old)
  await expect(login(old)).rejects.toMatchObject({ kind: 'unauthenticated', reason: 'code-invalid' })
})

test('an expired code buys nothing', async () => {
  const { offer } = await bootstrap(context)
  await query(database.ownerUrl, "update login_codes set expires_at = now() - interval '1 second'")
  await expect(login(offer?.code ?? '')).rejects.toMatchObject({ reason: 'code-invalid' })
})

test('the code buys one session, however many use it at once', async () => {
  const { offer } = await bootstrap(context)
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => login(offer?.code ?? '')))
  const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  expect(won).toHaveLength(1)
  expect(won[0]).toMatchObject({ organization: 'default', member: 'admin', role: 'owner' })
  token = won[0]?.token ?? ''
  const days = ((won[0]?.expiresAt.getTime() ?? 0) - Date.now()) / 86_400_000
  expect(days).toBeGreaterThan(29.9)
  expect(days).toBeLessThanOrEqual(30)
})

test('a later start offers no code, and removes the file', async () => {
  expect((await bootstrap(context)).offer).toBeUndefined()
  await expect(codeInFile()).rejects.toMatchObject({ code: 'ENOENT' })
})

test('an owner who is locked out is let in by the configuration', async () => {
  const config = { ...context.config, ownerCodeFor: 'admin' }
  const { offer } = await bootstrap({ ...context, config })
  expect(await login(offer?.code ?? '')).toMatchObject({ member: 'admin' })
  const wrong = { ...context.config, ownerCodeFor: 'nobody' }
  await expect(bootstrap({ ...context, config: wrong })).rejects.toThrow('Owners are: admin')
})

test('the session is its member’s, until it is revoked or expires', async () => {
  const header = `Bearer ${token}`
  expect(await authenticate(context, header)).toMatchObject({
    organization: 'default',
    member: 'admin',
    actor: 'member:admin',
    access: { role: 'owner', projects: 'all', scopes: [] },
  })
  for (const wrong of [null, '', 'Bearer', 'Basic YTpi', header.replace('ft_', 'fj_'), `${header}x`]) {
    await expect(authenticate(context, wrong)).rejects.toMatchObject({ kind: 'unauthenticated' })
  }
  await query(database.ownerUrl, "update tokens set expires_at = now() - interval '1 second'")
  await expect(authenticate(context, header)).rejects.toMatchObject({ reason: 'token-invalid' })
  await query(database.ownerUrl, 'update tokens set expires_at = null, revoked_at = now()')
  await expect(authenticate(context, header)).rejects.toMatchObject({ reason: 'token-invalid' })
})

test('neither token nor code is kept anywhere', async () => {
  const { offer } = await bootstrap({ ...context, config: { ...context.config, ownerCodeFor: 'admin' } })
  const rows = await query<{ row: string }>(
    database.ownerUrl,
    'select t::text as row from tokens t union all select a::text from audit_events a ' +
      'union all select c::text from login_codes c',
  )
  expect(rows.length).toBeGreaterThan(10)
  for (const { row } of rows) {
    expect(row).not.toContain(token.slice(3))
    expect(row).not.toContain(offer?.code.slice(3))
  }
})
