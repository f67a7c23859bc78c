import { sql } from 'kysely'
import type { AppContext } from '../context.ts'
import { operation, withTenant } from '../db/tenancy.ts'
import type { Dispatch } from './dispatch.ts'
import { loseForgottenTasks } from './leases.ts'
import type { LinkTimes } from './limits.ts'
import { recordSeen } from './presence.ts'
import type { Sessions } from './session.ts'

type Context = Pick<AppContext, 'db' | 'log'>

/**
 * One look at all open tasks for what their hosts were not told: signals may be lost, servers may have died between a
 * commit and its offer. Every action is safe to repeat and safe beside another server's sweep.
 */
export async function sweepTasks(
  context: Context,
  sessions: Sessions,
  dispatch: Dispatch,
  times: LinkTimes,
): Promise<void> {
  const open = await context.db.scheduler
    .selectFrom('tasks')
    .select(['host_id', 'status', 'cancel_requested'])
    .select([
      sql<boolean>`coalesce(lease_until < now(), false)`.as('expired'),
      sql<boolean>`coalesce(lease_until < now() + ${times.leaseMs - times.reofferMs} * interval '1 millisecond', false)`.as(
        'quiet',
      ),
    ])
    .where('status', 'in', ['queued', 'leased'])
    .execute()

  const hosts = new Map<string, { wake: boolean; quiet: boolean; expired: boolean; cancel: boolean }>()
  for (const task of open) {
    const host = hosts.get(task.host_id) ?? {
      wake: false,
      quiet: false,
      expired: false,
      cancel: false,
    }
    hosts.set(task.host_id, host)
    host.wake ||= task.status === 'queued' && !task.cancel_requested
    host.quiet ||= task.status === 'leased' && task.quiet
    host.expired ||= task.status === 'leased' && task.expired
    host.cancel ||= task.cancel_requested
  }
  for (const [hostId, { wake, quiet, expired, cancel }] of hosts) {
    const session = sessions.ofHost(hostId)
    if (!session) continue
    if (cancel) await dispatch.cancel(session)
    if (quiet) await dispatch.reoffer(session, times.reofferMs)
    if (expired) await loseForgottenTasks(context, session, times)
    if (wake) dispatch.wake(session)
  }
}

/** Keeps the rows of connected hosts `online`: another server may have written that a stream of theirs ended. */
export async function sweepSessions(context: Context, sessions: Sessions): Promise<void> {
  const list = sessions.list()
  if (list.length === 0) return
  const rows = await context.db.scheduler
    .selectFrom('hosts')
    .select(['id', 'status'])
    .where(
      'id',
      'in',
      list.map(({ peer }) => peer.hostId),
    )
    .execute()
  const byId = new Map(rows.map((row) => [row.id, row]))
  const gone = new Map<string, string[]>()
  for (const session of list) {
    const host = byId.get(session.peer.hostId)
    if (host?.status !== 'offline' && host?.status !== 'incompatible') continue
    gone.set(session.peer.organizationId, [...(gone.get(session.peer.organizationId) ?? []), host.id])
  }
  for (const [organizationId, hostIds] of gone) await recordSeen(context, organizationId, hostIds)
}

/** Writes `last_seen_at` of all connected hosts, and `offline` for those whose server died without saying so. */
export async function sweepPresence(context: Context, sessions: Sessions, unseenMs: number): Promise<void> {
  const seen = new Map<string, string[]>()
  for (const { peer } of sessions.list()) {
    seen.set(peer.organizationId, [...(seen.get(peer.organizationId) ?? []), peer.hostId])
  }
  for (const [organizationId, hostIds] of seen) await recordSeen(context, organizationId, hostIds)
  const lost = await context.db.scheduler
    .selectFrom('hosts')
    .select(['id', 'organization_id'])
    .where('status', '=', 'online')
    .where('last_seen_at', '<', sql<Date>`now() - ${unseenMs} * interval '1 millisecond'`)
    .execute()
  for (const { id, organization_id: organizationId } of lost) {
    await withTenant(context.db, operation(organizationId, 'fleet'), (tx) =>
      tx.updateTable('hosts').set({ status: 'offline' }).where('id', '=', id).execute(),
    )
  }
}
