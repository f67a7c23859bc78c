import { createHash, X509Certificate } from 'node:crypto'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { withTenant } from '../../db/tenancy.ts'
import { DomainError, invalid } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { createToken } from '../tokens/tokens.ts'

const defaultSeconds = 3_600
const mostSeconds = 86_400

/**
 * A one-time token for `fairway-agent join`: `fj_<secret>.<SHA-256 of the authority's certificate in DER, hex>`, so
 * that the agent knows whom it talks to before it sends the secret. Stored: the hash of `fj_<secret>`.
 */
export async function createJoinToken(
  { db }: AppContext,
  caller: Caller,
  wanted: { hostName: string; expiresInSeconds: number },
): Promise<{ token: string; expiresAt: Date }> {
  if (wanted.hostName !== '' && !/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/.test(wanted.hostName)) {
    throw invalid('host-name', 'A host name has 1 to 63 lower-case letters, digits, dots and dashes.')
  }
  const seconds = wanted.expiresInSeconds || defaultSeconds
  if (seconds > mostSeconds)
    throw invalid('expires-in-seconds', `A join token lives ${mostSeconds} seconds at most.`)
  const expiresAt = new Date(Date.now() + seconds * 1_000)
  const { token, hash } = createToken('fj_')
  const pin = await withTenant(db, caller, async (tx) => {
    await authorize(tx, caller, 'host.join')
    const authority = await tx.selectFrom('authority').select('certificate').executeTakeFirst()
    if (!authority) {
      throw new DomainError(
        'unavailable',
        'authority-missing',
        'The server has not made its certificate authority yet. Try again in a moment.',
      )
    }
    const row = await tx
      .insertInto('join_tokens')
      .values({
        organization_id: caller.organizationId,
        token_hash: hash,
        host_name: wanted.hostName,
        expires_at: expiresAt,
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    const details = { host: wanted.hostName, expiresAt: expiresAt.toISOString() }
    await audit(tx, caller, 'host.create-join-token', { kind: 'join-token', id: row.id }, details)
    return createHash('sha256').update(new X509Certificate(authority.certificate).raw).digest('hex')
  })
  return { token: `${token}.${pin}`, expiresAt }
}
