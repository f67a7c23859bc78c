import { sql } from 'kysely'
import type { AppContext } from '../context.ts'
import { type Tx, withTenant } from '../db/tenancy.ts'
import { isUuid } from './authenticate.ts'
import type { LinkTimes } from './limits.ts'
import type { Session, TaskRef } from './session.ts'
import { lockTask, settleTask } from './settle.ts'

export interface Renewal {
  readonly renewed: TaskRef[]
  /** Stale, ended or unknown: the agent stops them before their next effect and forgets them. */
  readonly fenced: TaskRef[]
}

/**
 * Extends the leases of everything the agent says it holds, in one statement. What it holds it has accepted, so a
 * task whose acceptance got lost counts as started from here. Nothing is written for an empty list.
 */
export async function renewLeases(
  { db }: Pick<AppContext, 'db'>,
  session: Session,
  refs: readonly TaskRef[],
  times: LinkTimes,
): Promise<Renewal> {
  const named = refs.filter(({ taskId }) => isUuid(taskId))
  if (named.length === 0) return { renewed: [], fenced: [...refs] }
  const rows = await withTenant(db, session.op, (tx) => extend(tx, session.peer.hostId, named, times))
  const current = new Set(rows.map(({ id, epoch }) => `${id}:${epoch}`))
  const isCurrent = ({ taskId, epoch }: TaskRef) => current.has(`${taskId}:${epoch}`)
  return { renewed: refs.filter(isCurrent), fenced: refs.filter((ref) => !isCurrent(ref)) }
}

async function extend(tx: Tx, hostId: string, refs: readonly TaskRef[], times: LinkTimes) {
  const { rows } = await sql<{ id: string; epoch: number }>`
    update tasks t set
      lease_until = now() + ${times.leaseMs} * interval '1 millisecond',
      started_at = coalesce(t.started_at, now())
    from unnest(${refs.map(({ taskId }) => taskId)}::uuid[], ${refs.map(({ epoch }) => epoch)}::bigint[]) as held (id, epoch),
      runs r
    where t.id = held.id and t.epoch = held.epoch and t.host_id = ${hostId} and t.status = 'leased'
      and r.id = t.run_id and (r.finished_at is null or t.always)
    returning t.id, t.epoch`.execute(tx)
  return rows
}

/**
 * Gives up on tasks that their agent no longer knows: accepted, lease run out, and not in what the agent has lately
 * said it holds. Never because of silence alone: a host that is away finishes what it runs.
 */
export async function loseForgottenTasks(
  { db, log }: Pick<AppContext, 'db' | 'log'>,
  session: Session,
  times: LinkTimes,
): Promise<void> {
  const held = session.held
  if (!held || performance.now() - held.atMs > times.leaseMs / 2) return
  const { rows: forgotten } = await withTenant(db, session.op, (tx) =>
    sql<{ id: string }>`
      select id from tasks
      where host_id = ${session.peer.hostId} and status = 'leased' and started_at is not null and lease_until < now()
        and id <> all (${[...held.taskIds]}::uuid[])`.execute(tx),
  )
  for (const { id } of forgotten) {
    await withTenant(db, session.op, async (tx) => {
      const task = await lockTask(tx, id)
      if (task?.status !== 'leased' || (task.unleased_ms ?? 0) <= 0) return
      const { epoch, max_attempts: attempts } = task
      log.warn(
        { task: id, epoch, host: session.peer.hostId },
        'a task is unknown to the agent that accepted it',
      )
      if (epoch < attempts) {
        await tx
          .updateTable('tasks')
          .set({ status: 'queued', lease_until: null })
          .where('id', '=', id)
          .execute()
      } else {
        await settleTask(tx, session.op, id, {
          status: 'failed',
          reason: 'agent-lost',
          error: 'The host lost its record of this task; look at the host, then run it again',
        })
      }
    })
  }
}
