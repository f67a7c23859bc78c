import { createPublicKey, randomUUID, X509Certificate } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { CompactSign } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { TaskSpecSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import {
  createTestAuthority,
  type Signer,
  sha256OfSpec,
  sign,
  type TestAuthority,
} from '../../test/support/authorizations.ts'
import { verifyAuthorization } from './verify.ts'

let authority: TestAuthority
let authorizer: Signer

const hostId = randomUUID()
const cellId = randomUUID()
const taskId = randomUUID()
const acceptedAtMs = Date.now()
const spec = create(TaskSpecSchema, { kind: { case: 'destroyCell', value: { cellId, production: true } } })
const minute = 60

const claims = () => {
  const iat = Math.floor(acceptedAtMs / 1_000)
  return {
    iss: 'fairway-control-plane',
    jti: taskId,
    aud: hostId,
    action: 'destroyCell',
    cell: cellId,
    environment: randomUUID(),
    subject: 'a'.repeat(64),
    authorizationId: randomUUID(),
    spec: sha256OfSpec(spec),
    iat,
    exp: iat + 15 * minute,
  }
}
const verify = (jws: string, task = { taskId, spec, acceptedAtMs }) =>
  verifyAuthorization(jws, task, { hostId, authority: authority.certificate })

beforeAll(async () => {
  authority = await createTestAuthority()
  authorizer = await authority.issue('authorizer')
})

describe('an authorization', () => {
  it('is read when the authorizer signed it for this host and task', async () => {
    const given = claims()
    expect(await verify(await sign(given, authorizer))).toEqual(given)
  })

  it.each([
    ['another host', { aud: randomUUID() }, /another host/],
    ['another task', { jti: randomUUID() }, /another task/],
    ['another action', { action: 'stopRuntime' }, /another kind of task/],
    ['another specification', { spec: 'b'.repeat(64) }, /another specification/],
    ['another issuer', { iss: 'somebody' }, /claims cannot be read/],
    ['no subject', { subject: '' }, /claims cannot be read/],
    ['a life of a month', { exp: claims().iat + 30 * 24 * 3_600 }, /longer than any may be/],
  ])('is refused for %s', async (_, difference, message) => {
    await expect(verify(await sign({ ...claims(), ...difference }, authorizer))).rejects.toMatchObject({
      reason: 'authorization-invalid',
      message: expect.stringMatching(message),
    })
  })

  it('is refused when one byte of the specification differs from what was signed', async () => {
    const flipped = cellId.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))
    for (const value of [
      { cellId: flipped, production: true },
      { cellId, production: false },
    ]) {
      const other = create(TaskSpecSchema, { kind: { case: 'destroyCell', value } })
      const refused = verify(await sign(claims(), authorizer), { taskId, spec: other, acceptedAtMs })
      await expect(refused).rejects.toMatchObject({ reason: 'authorization-invalid' })
    }
  })

  it.each([
    ['of another authority', 'foreign', /not of the authority that this host joined/],
    ['of a host', 'client', /is not the authorizer's/],
    ['of a server', 'server', /is not the authorizer's/],
    ['that ended', 'ended', /ended at/],
  ] as const)('is refused with a certificate %s', async (_, which, message) => {
    const signer =
      which === 'foreign'
        ? await (await createTestAuthority()).issue('authorizer')
        : which === 'ended'
          ? await authority.issue('authorizer', { lifeMs: -11 * minute * 1_000 + 1 })
          : await authority.issue(which)
    await expect(verify(await sign(claims(), signer))).rejects.toMatchObject({
      reason: 'authorization-invalid',
      message: expect.stringMatching(message),
    })
  })

  it('is refused with a certificate that has not begun', async () => {
    const early = { taskId, spec, acceptedAtMs: acceptedAtMs - 3_600_000 }
    await expect(verify(await sign(claims(), authorizer), early)).rejects.toMatchObject({
      reason: 'authorization-invalid',
      message: expect.stringMatching(/begins at/),
    })
  })

  it('is refused when somebody else signed under the authorizer’s certificate', async () => {
    const thief = await authority.issue('client')
    const forged = await sign(claims(), { key: thief.key, certificate: authorizer.certificate })
    await expect(verify(forged)).rejects.toMatchObject({
      reason: 'authorization-invalid',
      message: expect.stringMatching(/signature verification failed/),
    })
  })

  it('is refused unsigned, and signed with the public key as a secret', async () => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const header = { typ: 'fairway-authorization+jws', x5c: [authorizer.certificate] }
    const unsigned = `${encode({ ...header, alg: 'none' })}.${encode(claims())}.`
    const certificate = new X509Certificate(Buffer.from(authorizer.certificate, 'base64'))
    const secret = createPublicKey(certificate.publicKey.export({ type: 'spki', format: 'pem' }))
    const hmac = await new CompactSign(Buffer.from(JSON.stringify(claims())))
      .setProtectedHeader({ ...header, alg: 'HS256' })
      .sign(secret.export({ type: 'spki', format: 'der' }))
    for (const jws of [
      unsigned,
      hmac,
      'no.jws.at-all',
      'x',
      await sign(claims(), authorizer, { typ: 'JWT' }),
    ]) {
      await expect(verify(jws)).rejects.toMatchObject({ reason: 'authorization-invalid' })
    }
  })

  it('is refused when any byte of it is changed', async () => {
    const jws = await sign(claims(), authorizer)
    const [header = '', payload = ''] = jws.split('.')
    for (const at of [10, header.length + 20, header.length + payload.length + 20]) {
      const changed = `${jws.slice(0, at)}${jws[at] === 'A' ? 'B' : 'A'}${jws.slice(at + 1)}`
      await expect(verify(changed)).rejects.toMatchObject({ reason: 'authorization-invalid' })
    }
  })

  it('takes clocks that differ by ten minutes, and names the difference beyond', async () => {
    const jws = await sign(claims(), authorizer)
    const at = (minutes: number) =>
      verify(jws, { taskId, spec, acceptedAtMs: acceptedAtMs + minutes * minute * 1_000 })
    await expect(at(-9)).resolves.toBeDefined()
    await expect(at(24)).resolves.toBeDefined()
    await expect(at(-12)).rejects.toMatchObject({
      reason: 'authorization-invalid',
      message: expect.stringMatching(/about 12 min behind the server's/),
    })
    await expect(at(40)).rejects.toMatchObject({
      reason: 'authorization-expired',
      message: expect.stringMatching(/about 25 min ahead of the server's/),
    })
  })
})
