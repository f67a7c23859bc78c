import { sql } from 'kysely'
import type { AppContext } from '../context.ts'
import { authorityLabel } from '../db/master-key-check.ts'
import {
  authorizerCertificateDays,
  clientCertificateHours,
  createAuthorityCertificate,
  createKeyPair,
  exportPrivateKey,
  fingerprintOf,
  type Issuer,
  importPrivateKey,
  issueCertificate,
  pemOfPrivateKey,
  requireRequestedKey,
  serverCertificateDays,
  X509Certificate,
} from './certificates.ts'
import { newLineage } from './serials.ts'

/** The name that every server's certificate has, whatever its addresses are; agents ask for it. */
export const serverName = 'fairway-control-plane'
/** Common name of the certificate that authorizations are signed with. */
const authorizerName = 'fairway-authorizer'

/** The fleet's own certificate authority, one for all servers of a database. */
export interface Authority {
  /** PEM */
  readonly certificate: string
  /** SHA-256 of the certificate in DER, hex: the pin at the end of a join token. */
  readonly fingerprint: string
  /** Certifies the request's key for a host, for 24 hours. Throws DomainError `invalid-csr`. */
  issueClient(
    csr: Uint8Array,
    host: { id: string; serial: string },
  ): Promise<{ certificate: string; expiresAt: Date }>
  /** A fresh key and its certificate, followed by the authority's, for 90 days. Kept in memory only. */
  issueServer(): Promise<{ key: string; chain: string }>
  /** A fresh key (PKCS#8) and its certificate (PEM) for signing authorizations, for 90 days. */
  issueAuthorizer(): Promise<{ key: Buffer; certificate: string }>
}

const label = authorityLabel
const creationLock = 7_236_111

/** Reads the authority, or makes it when this is the first server of all. */
export async function openAuthority({ db, sealer }: Pick<AppContext, 'db' | 'sealer'>): Promise<Authority> {
  // The table is no tenant's: there is no scope to set.
  const row = await db.app.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${creationLock})`.execute(tx)
    const known = await tx.selectFrom('authority').select(['certificate', 'key_sealed']).executeTakeFirst()
    if (known) return known
    const keys = await createKeyPair()
    const made = {
      certificate: (await createAuthorityCertificate(keys)).toString('pem'),
      key_sealed: sealer.seal(await exportPrivateKey(keys.privateKey), label),
    }
    await tx.insertInto('authority').values(made).execute()
    return made
  })
  const certificate = new X509Certificate(row.certificate)
  const key = await importPrivateKey(new Uint8Array(sealer.open(row.key_sealed, label)))
  const issuer: Issuer = { certificate, key }
  return {
    certificate: row.certificate,
    fingerprint: fingerprintOf(certificate),
    async issueClient(csr, host) {
      const issued = await issueCertificate(issuer, {
        commonName: host.id,
        publicKey: await requireRequestedKey(csr),
        serialNumber: host.serial,
        usage: 'client',
        names: [{ type: 'url', value: `fairway:host:${host.id}` }],
        lifeMs: clientCertificateHours * 3_600_000,
      })
      return { certificate: issued.toString('pem'), expiresAt: issued.notAfter }
    },
    async issueServer() {
      const keys = await createKeyPair()
      const issued = await issueCertificate(issuer, {
        commonName: serverName,
        publicKey: keys.publicKey,
        serialNumber: newLineage(),
        usage: 'server',
        names: [{ type: 'dns', value: serverName }],
        lifeMs: serverCertificateDays * 24 * 3_600_000,
      })
      return {
        key: pemOfPrivateKey(await exportPrivateKey(keys.privateKey)),
        chain: `${issued.toString('pem')}\n${row.certificate}`,
      }
    },
    async issueAuthorizer() {
      const keys = await createKeyPair()
      const issued = await issueCertificate(issuer, {
        commonName: authorizerName,
        publicKey: keys.publicKey,
        serialNumber: newLineage(),
        usage: 'authorizer',
        names: [{ type: 'url', value: 'fairway:authorizer' }],
        lifeMs: authorizerCertificateDays * 24 * 3_600_000,
      })
      return { key: await exportPrivateKey(keys.privateKey), certificate: issued.toString('pem') }
    },
  }
}
