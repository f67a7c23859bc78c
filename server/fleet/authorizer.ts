import { CompactSign } from 'jose'
import { sql } from 'kysely'
import type { AppContext } from '../context.ts'
import type { Authority } from './authority.ts'
import { importPrivateKey, type Key, X509Certificate } from './certificates.ts'

/** What lets one host do one task that touches production, once: see proto/fairway/agent/v1/CONTRACT.md. */
export interface AuthorizationClaims {
  /** Id of the task: what is used up. */
  readonly jti: string
  /** Id of the host. */
  readonly aud: string
  /** The task's kind, as TaskSpec names it. */
  readonly action: string
  /** Ids; `cell` is the one that the task works on, also where its spec names none. */
  readonly cell: string
  readonly environment: string
  /** SHA-256, hex, of what was approved, and the row in `authorizations` that says who did. */
  readonly subject: string
  readonly authorizationId: string
  /** SHA-256, hex, of the TaskSpec in protobuf's binary form. */
  readonly spec: string
}

/** Signs with the fleet's authorizer key. One key for all servers of a database. */
export interface Authorizer {
  /** A compact JWS (ES256) whose header has the authorizer's certificate; good for `authorizationMinutes`. */
  sign(claims: AuthorizationClaims): Promise<string>
}

/** Longer than an offer takes to be accepted, whatever is restarted meanwhile. */
const authorizationMinutes = 15
const authorizationIssuer = 'fairway-control-plane'
const authorizationType = 'fairway-authorization+jws'

/** Under which its key is sealed. */
export const authorizerLabel = 'fleet-authorizer'
const renewalLock = 7_236_112
/** Agents' clocks may be off, and servers hold on to a key for as long as they run: renewed a third before its end. */
const renewBeforeMs = 30 * 24 * 3_600_000

interface Current {
  readonly key: Key
  /** DER in base64. */
  readonly certificate: string
  readonly renewAtMs: number
}

export function createAuthorizer(
  context: Pick<AppContext, 'db' | 'sealer'>,
  authority: Authority,
): Authorizer {
  let current: Promise<Current> | undefined
  const requireCurrent = async (): Promise<Current> => {
    const known = await current?.catch(() => undefined)
    if (known && Date.now() < known.renewAtMs) return known
    current = openCurrent(context, authority)
    return await current
  }
  return {
    async sign(claims) {
      const { key, certificate } = await requireCurrent()
      const iat = Math.floor(Date.now() / 1_000)
      const payload = { iss: authorizationIssuer, iat, exp: iat + authorizationMinutes * 60, ...claims }
      return await new CompactSign(Buffer.from(JSON.stringify(payload)))
        .setProtectedHeader({ alg: 'ES256', typ: authorizationType, x5c: [certificate] })
        .sign(key)
    },
  }
}

/** Reads the key, or makes it when there is none or it ends soon: one server at a time, the others take what it made. */
async function openCurrent(
  { db, sealer }: Pick<AppContext, 'db' | 'sealer'>,
  authority: Authority,
): Promise<Current> {
  // The table is no tenant's: there is no scope to set.
  return await db.app.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${renewalLock})`.execute(tx)
    const row = await tx.selectFrom('authorizer').select(['certificate', 'key_sealed']).executeTakeFirst()
    const kept = row && renewAtMsOf(row.certificate) > Date.now() ? row : undefined
    if (kept) return await read(kept.certificate, sealer.open(kept.key_sealed, authorizerLabel))
    const { key, certificate } = await authority.issueAuthorizer()
    const made = { certificate, key_sealed: sealer.seal(key, authorizerLabel), created_at: new Date() }
    await tx
      .insertInto('authorizer')
      .values(made)
      .onConflict((conflict) => conflict.column('id').doUpdateSet(made))
      .execute()
    return await read(certificate, key)
  })
}

const renewAtMsOf = (certificate: string) =>
  new X509Certificate(certificate).notAfter.getTime() - renewBeforeMs

const read = async (certificate: string, pkcs8: Buffer): Promise<Current> => ({
  key: await importPrivateKey(new Uint8Array(pkcs8)),
  certificate: Buffer.from(new X509Certificate(certificate).rawData).toString('base64'),
  renewAtMs: renewAtMsOf(certificate),
})
