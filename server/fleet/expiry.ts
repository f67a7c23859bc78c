import { sql } from 'kysely'
import type { AppContext } from '../context.ts'
import { awayMs } from '../db/away-hosts.ts'
import { forEachRow } from '../db/each-row.ts'
import { operation, type Tx, withTenant } from '../db/tenancy.ts'
import { kindsThat } from '../operations/kinds.ts'
import { type LockedTask, lockTask, type Settlement, settleTask } from './settle.ts'

/**
 * Ends leased tasks that nobody waits for any longer and whose hosts do not end them. A task whose host is merely away
 * is left alone: it is the agent's until it comes back, time is up or its run is cancelled. A host that was shut out
 * does not come back to report. What puts things back is not cancelled: it waits for its host, but only for production's sake.
 */
export async function expireTasks({ db, log }: Pick<AppContext, 'db' | 'log'>): Promise<void> {
  const unwanted = await db.scheduler
    .selectFrom('tasks')
    .select(['id', 'organization_id', 'host_id'])
    .where('status', '=', 'leased')
    .where((eb) => eb.or([eb('timeout_at', '<', sql<Date>`now()`), eb('cancel_requested', '=', true)]))
    .unionAll(
      db.scheduler
        .selectFrom('tasks')
        .innerJoin('hosts', 'hosts.id', 'tasks.host_id')
        .select(['tasks.id', 'tasks.organization_id', 'tasks.host_id'])
        .where('tasks.status', 'in', ['queued', 'leased'])
        .where('hosts.status', '=', 'revoked'),
    )
    .union(
      db.scheduler
        .selectFrom('tasks')
        .innerJoin('hosts', 'hosts.id', 'tasks.host_id')
        .innerJoin('runs', 'runs.id', 'tasks.run_id')
        .select(['tasks.id', 'tasks.organization_id', 'tasks.host_id'])
        .where('tasks.status', 'in', ['queued', 'leased'])
        .where('runs.cancel_cause', 'is not', null)
        .where('hosts.status', '<>', 'online')
        .where('hosts.last_seen_at', '<', sql<Date>`now() - ${awayMs} * interval '1 millisecond'`),
    )
    .execute()
  await forEachRow(unwanted, async ({ id, organization_id, host_id }) => {
    const op = operation(organization_id, 'fleet')
    await withTenant(db, op, async (tx) => {
      const task = await lockTask(tx, id)
      const ending =
        task &&
        ((await endingOfShutOut(tx, task)) ?? (await endingOfUnwanted(tx, id, task)) ?? endingOf(task))
      if (!ending) return
      log.warn({ task: id, host: host_id, reason: ending.reason }, 'a task was taken from its host')
      await settleTask(tx, op, id, ending)
    })
  })
}

async function endingOfShutOut(tx: Tx, task: LockedTask): Promise<Settlement | undefined> {
  if (task.status !== 'leased' && task.status !== 'queued') return undefined
  const host = await tx
    .selectFrom('hosts')
    .select('name')
    .where('id', '=', task.host_id)
    .where('status', '=', 'revoked')
    .executeTakeFirst()
  return host && { status: 'failed', reason: 'host-revoked', error: `The host ${host.name} was revoked` }
}

/**
 * Of a cancelled run whose host is away: it ends without, and what it left goes with the environment or before its next
 * build. Production's data have to be put back, however long that takes.
 */
async function endingOfUnwanted(tx: Tx, id: string, task: LockedTask): Promise<Settlement | undefined> {
  if (task.status !== 'queued' && (task.status !== 'leased' || (task.unleased_ms ?? 0) <= awayMs))
    return undefined
  const { rows } = await sql<{ host: string; cell: string | null }>`
    select h.name as host, c.id as cell
    from tasks t join runs r on r.id = t.run_id join hosts h on h.id = t.host_id
      left join cells c on c.id::text = t.spec -> t.kind ->> 'cellId'
    where t.id = ${id} and t.always and r.cancel_cause is not null and h.status <> 'online'
      and h.last_seen_at < now() - ${awayMs} * interval '1 millisecond'
      and not (r.stage = 'production' and r.kind not in (${sql.join(kindsThat(({ besideOthers }) => besideOthers))}))`.execute(
    tx,
  )
  const [found] = rows
  if (!found) return undefined
  const left = found.cell ? `its cell ${found.cell} is left there, and goes` : 'what is left there goes'
  const error = `the host ${found.host} is away: ${left} with the environment, or with its next build`
  return { status: 'failed', reason: 'host-away', error }
}

function endingOf(task: LockedTask): Settlement | undefined {
  if (task.status !== 'leased' || task.unleased_ms === null) return undefined
  if (task.unleased_ms > awayMs) {
    const error = 'its agent is away, and time is up'
    if (task.cancel_requested) return { status: 'cancelled', reason: 'lost', error }
    if (task.overdue) return { status: 'timed-out', reason: 'lost', error }
  }
  if (task.unleased_ms <= 0 && task.overdue) {
    const error = 'The host still works on it long after its time was up; look at the host'
    return { status: 'timed-out', reason: 'stuck', error }
  }
  return undefined
}
