import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { notify } from '../../db/signals.ts'
import { withTenant } from '../../db/tenancy.ts'
import { invalid, wrongState } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { requireHost } from './hosts.ts'

const longestReason = 500

/**
 * Shuts a host out: its certificates are worth nothing from now on, its streams end within seconds on every server, nothing
 * is placed on it, and it comes back with a new join token only. Its containers and data stay as they are: production is
 * never stopped from here. Throws `host-not-found`, `host-revoked`, `invalid-reason`.
 */
export async function revokeHost(
  { db }: Pick<AppContext, 'db'>,
  caller: Caller,
  wanted: { host: string; reason: string },
): Promise<void> {
  const reason = wanted.reason.trim()
  await withTenant(db, caller, async (tx) => {
    const host = await requireHost(tx, wanted.host)
    await authorize(tx, caller, 'host.revoke')
    if (reason === '' || reason.length > longestReason) {
      throw invalid('reason', `Say why the host is shut out, in at most ${longestReason} characters.`)
    }
    const revokedAt = new Date()
    const revoked = await tx
      .updateTable('hosts')
      .set({
        status: 'revoked',
        certificate_serial: '',
        certificate_expires_at: null,
        revoked_at: revokedAt,
        advice:
          `Revoked by ${caller.actor}: ${reason}. What runs on it keeps running. ` +
          `To take it back: fairway host join-token ${host.name}, and join again.`,
      })
      .where('id', '=', host.id)
      .where('status', '<>', 'revoked')
      .returning('id')
      .executeTakeFirst()
    if (!revoked) {
      throw wrongState('host-revoked', `The host ${host.name} has been revoked already: nothing was changed.`)
    }
    const details = { name: host.name, reason, serial: host.certificate_serial }
    await audit(tx, caller, 'host.revoked', { kind: 'host', id: host.id }, details)
    await notify(tx, { kind: 'host', id: host.id })
  })
}
