import { createHash } from 'node:crypto'
import { toBinary } from '@bufbuild/protobuf'
import { CompactSign } from 'jose'
import { type TaskSpec, TaskSpecSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import {
  createAuthorityCertificate,
  createKeyPair,
  type EndEntity,
  type Issuer,
  issueCertificate,
  type Key,
} from '../../server/fleet/certificates.ts'

/** An authority with everything it could issue, so that tests can present what they should not. */
export interface TestAuthority {
  /** PEM */
  readonly certificate: string
  issue(usage: EndEntity['usage'], validity?: { lifeMs?: number }): Promise<Signer>
}

export interface Signer {
  readonly key: Key
  /** DER in base64. */
  readonly certificate: string
}

export async function createTestAuthority(): Promise<TestAuthority> {
  const keys = await createKeyPair()
  const issuer: Issuer = { certificate: await createAuthorityCertificate(keys), key: keys.privateKey }
  return {
    certificate: issuer.certificate.toString('pem'),
    async issue(usage, { lifeMs = 3_600_000 } = {}) {
      const pair = await createKeyPair()
      const issued = await issueCertificate(issuer, {
        commonName: 'somebody',
        publicKey: pair.publicKey,
        serialNumber: '4001',
        usage,
        names: [{ type: 'url', value: 'fairway:somebody' }],
        lifeMs,
      })
      return { key: pair.privateKey, certificate: Buffer.from(issued.rawData).toString('base64') }
    },
  }
}

export const sha256OfSpec = (spec: TaskSpec) =>
  createHash('sha256').update(toBinary(TaskSpecSchema, spec)).digest('hex')

/** Signs whatever it is given, as the authorizer would. */
export const sign = (
  claims: object,
  { key, certificate }: Signer,
  header: Record<string, unknown> = {},
): Promise<string> =>
  new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'ES256', typ: 'fairway-authorization+jws', x5c: [certificate], ...header })
    .sign(key)
