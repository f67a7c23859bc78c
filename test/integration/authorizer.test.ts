import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { verifyAuthorization } from '../../agent/authorization/verify.ts'
import { TaskSpecSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { type Authority, openAuthority } from '../../server/fleet/authority.ts'
import { type AuthorizationClaims, createAuthorizer } from '../../server/fleet/authorizer.ts'
import { exportPrivateKey } from '../../server/fleet/certificates.ts'
import { createTestAuthority, sha256OfSpec } from '../support/authorizations.ts'
import { query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
let authority: Authority
const day = 24 * 3_600_000
const spec = create(TaskSpecSchema, {
  kind: { case: 'destroyCell', value: { cellId: randomUUID(), production: true } },
})
const hostId = randomUUID()
const taskId = randomUUID()
const claims: AuthorizationClaims = {
  jti: taskId,
  aud: hostId,
  action: 'destroyCell',
  cell: randomUUID(),
  environment: randomUUID(),
  subject: 'a'.repeat(64),
  authorizationId: randomUUID(),
  spec: sha256OfSpec(spec),
}

beforeAll(async () => {
  database = await startTestDatabase()
  authority = await openAuthority(database.context)
})
afterAll(() => database?.close())

const certificateOf = (jws: string) => decodeProtectedHeader(jws).x5c![0]!

it('makes one key, however many servers start at once, and agents know its signatures', async () => {
  const servers = Array.from({ length: 8 }, () => createAuthorizer(database.context, authority))
  const signed = await Promise.all(servers.map((server) => server.sign(claims)))
  expect(new Set(signed.map(certificateOf)).size).toBe(1)
  const trust = { hostId, authority: authority.certificate }
  for (const jws of signed) {
    const read = await verifyAuthorization(jws, { taskId, spec, acceptedAtMs: Date.now() }, trust)
    expect(read).toMatchObject(claims)
  }
})

it('is renewed a month before its certificate ends, once for all servers, and keeps no open key', async () => {
  const before = certificateOf(await createAuthorizer(database.context, authority).sign(claims))
  await query(database.ownerUrl, 'delete from authorizer')
  const ending: Authority = {
    ...authority,
    async issueAuthorizer() {
      const { key, certificate } = await (await createTestAuthority()).issue('authorizer', {
        lifeMs: 29 * day,
      })
      const pem = new X509Certificate(Buffer.from(certificate, 'base64')).toString()
      return { key: await exportPrivateKey(key), certificate: pem }
    },
  }
  const ended = certificateOf(await createAuthorizer(database.context, ending).sign(claims))
  const servers = Array.from({ length: 4 }, () => createAuthorizer(database.context, authority))
  const renewed = new Set(
    (await Promise.all(servers.map((server) => server.sign(claims)))).map(certificateOf),
  )
  expect(renewed.size).toBe(1)
  expect(renewed).not.toContain(ended)
  expect(renewed).not.toContain(before)
  const rows = await query<{ key_sealed: Buffer }>(database.ownerUrl, 'select key_sealed from authorizer')
  expect(rows).toHaveLength(1)
  expect(() => createPrivateKey({ key: rows[0]!.key_sealed, format: 'der', type: 'pkcs8' })).toThrow()
})
