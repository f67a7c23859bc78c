import { readFile, stat } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AppContext } from '../../server/context.ts'
import { authenticate } from '../../server/services/authenticate.ts'
import { adminTokenFile, bootstrap } from '../../server/services/bootstrap.ts'
import { query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
let context: AppContext

beforeAll(async () => {
  database = await startTestDatabase()
  context = database.context
})

afterAll(() => database?.close())

const token = async () => (await readFile(adminTokenFile(context.config.dataDir), 'utf8')).trim()

test('the first start makes one organization, owner and token, however many servers do it', async () => {
  const made = await Promise.all(Array.from({ length: 5 }, () => bootstrap(context)))
  expect(new Set(made.map(({ organizationId }) => organizationId)).size).toBe(1)
  expect((await stat(adminTokenFile(context.config.dataDir))).mode & 0o777).toBe(0o600)
  for (const table of ['organizations', 'members', 'tokens']) {
    expect(await query(database.ownerUrl, `select from ${table}`), table).toHaveLength(1)
  }
})

test('a later start leaves the token alone', async () => {
  const before = await token()
  await bootstrap(context)
  expect(await token()).toBe(before)
})

test('the token is its member’s, until it is revoked or expires', async () => {
  const header = `Bearer ${await token()}`
  expect(await authenticate(context, header)).toMatchObject({
    organization: 'default',
    member: 'admin',
    role: 'owner',
    actor: 'member:admin',
  })
  for (const wrong of [null, '', 'Bearer', 'Basic YTpi', header.replace('ft_', 'fj_'), `${header}x`]) {
    await expect(authenticate(context, wrong)).rejects.toMatchObject({ kind: 'unauthenticated' })
  }
  await query(database.ownerUrl, "update tokens set expires_at = now() - interval '1 second'")
  await expect(authenticate(context, header)).rejects.toMatchObject({ reason: 'token-invalid' })
  await query(database.ownerUrl, 'update tokens set expires_at = null, revoked_at = now()')
  await expect(authenticate(context, header)).rejects.toMatchObject({ reason: 'token-invalid' })
})

test('the token is kept nowhere but in its file', async () => {
  const rows = await query<{ row: string }>(
    database.ownerUrl,
    'select t::text as row from tokens t union all select a::text from audit_events a',
  )
  expect(rows.length).toBeGreaterThan(1)
  for (const { row } of rows) expect(row).not.toContain((await token()).slice(3))
})
