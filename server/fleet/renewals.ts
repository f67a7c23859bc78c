import type { AppContext } from '../context.ts'
import { audit } from '../db/audit.ts'
import { operation, withTenant } from '../db/tenancy.ts'
import { DomainError } from '../errors.ts'
import type { Peer } from './authenticate.ts'
import type { Authority } from './authority.ts'
import { isCurrent, successor } from './serials.ts'

/** A new certificate for a host; the one it asked with stays good until this one is used to ask for the next. */
export async function renewCertificate(
  { db }: Pick<AppContext, 'db'>,
  authority: Authority,
  peer: Peer,
  csr: Uint8Array,
): Promise<string> {
  const serial = successor(peer.serial)
  const { certificate, expiresAt } = await authority.issueClient(csr, { id: peer.hostId, serial })
  const op = operation(peer.organizationId, `host:${peer.hostId}`)
  await withTenant(db, op, async (tx) => {
    const host = await tx
      .selectFrom('hosts')
      .select('certificate_serial')
      .where('id', '=', peer.hostId)
      .forUpdate()
      .executeTakeFirst()
    if (!host || !isCurrent(host.certificate_serial, peer.serial)) {
      throw new DomainError(
        'unauthenticated',
        'certificate-revoked',
        'This certificate was revoked meanwhile',
      )
    }
    await tx
      .updateTable('hosts')
      .set({ certificate_serial: serial, certificate_expires_at: expiresAt })
      .where('id', '=', peer.hostId)
      .execute()
    await audit(tx, op, 'host.certificate-renewed', { kind: 'host', id: peer.hostId }, { serial })
  })
  return certificate
}
