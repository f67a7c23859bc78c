import { sql } from 'kysely'
import type { Tx } from '../db/tenancy.ts'
import type { Peer } from './authenticate.ts'
import { type LinkTimes, tasksPerHost } from './limits.ts'
import { lineageOf } from './serials.ts'

export interface ClaimedTask {
  readonly id: string
  readonly epoch: number
  /** proto JSON of TaskSpec */
  readonly spec: unknown
  readonly timeout_ms: number
  readonly run_id: string
  readonly project: string
  readonly project_id: string
  readonly stream_id: string
  readonly environment_id: string | null
  /** The environment's; of its first run, the one that the run has made. */
  readonly cell_id: string | null
  readonly authorization: TaskAuthorization | null
}

/** The row that lets the task touch production. */
export interface TaskAuthorization {
  readonly id: string
  readonly subjectSha256: string
  readonly environmentId: string | null
  readonly runId: string | null
}

/** Beside the tables `r` (runs) and `t` (the task). */
const authorizationColumns = sql`r.environment_id,
  coalesce(e.cell_id::text, r.record ->> 'cellId') as cell_id,
  case when a.id is not null then json_build_object('id', a.id, 'subjectSha256', a.subject_sha256,
    'environmentId', a.environment_id, 'runId', a.run_id) end as authorization`
const authorizationTables = sql`left join environments e on e.id = r.environment_id
  left join authorizations a on a.id = t.authorization_id`

/**
 * Takes the host's queued tasks for one dispatch: the epoch grows, the lease begins, and the epoch's log stream is
 * made, all in one statement. SKIP LOCKED keeps two servers that both hold a stream of the host off the same task.
 * A former epoch's stream is closed, so that its agent cannot add to it any more. A locked host is given nothing, nor is
 * a session whose certificate was revoked or replaced and which is about to be ended.
 */
export async function claimTasks(
  tx: Tx,
  { hostId, serial }: Pick<Peer, 'hostId' | 'serial'>,
  times: LinkTimes,
): Promise<ClaimedTask[]> {
  const { rows } = await sql<ClaimedTask>`
    with room as (
      select greatest(0, ${tasksPerHost} - count(*)) as free from tasks where host_id = ${hostId} and status = 'leased'
    ), claimed as (
      update tasks set
        status = 'leased', epoch = epoch + 1, started_at = null,
        lease_until = now() + ${times.leaseMs} * interval '1 millisecond',
        timeout_at = now() + (timeout_ms + ${times.timeoutGraceMs}) * interval '1 millisecond'
      where id in (
        select id from tasks
        where host_id = ${hostId} and status = 'queued' and not cancel_requested
          and exists (select from hosts where id = ${hostId} and status <> 'locked'
            and starts_with(certificate_serial, ${lineageOf(serial)}))
        order by created_at limit (select free from room) for update skip locked
      )
      returning id, epoch, spec, timeout_ms, run_id, step_id, organization_id, host_id, authorization_id
    ), closed as (
      update log_streams s set closed = true from claimed c where s.task_id = c.id and not s.closed
    ), opened as (
      insert into log_streams (organization_id, project_id, host_id, run_id, task_id, epoch, step)
      select c.organization_id, r.project_id, c.host_id, c.run_id, c.id, c.epoch, s.name
      from claimed c join runs r on r.id = c.run_id join steps s on s.id = c.step_id
      returning id, task_id
    )
    select t.id, t.epoch, t.spec, t.timeout_ms, t.run_id, p.name as project, p.id as project_id, o.id as stream_id, ${authorizationColumns}
    from claimed t join opened o on o.task_id = t.id join runs r on r.id = t.run_id
      join projects p on p.id = r.project_id ${authorizationTables}`.execute(tx)
  return rows
}

/** Tasks that were claimed for the host and never accepted: their offer may not have arrived. The epoch stays. */
export async function listUnaccepted(tx: Tx, hostId: string, olderThanMs: number, times: LinkTimes) {
  const { rows } = await sql<ClaimedTask>`
    select t.id, t.epoch, t.spec, t.timeout_ms, t.run_id, p.name as project, p.id as project_id, s.id as stream_id, ${authorizationColumns}
    from tasks t
      join log_streams s on s.task_id = t.id and s.epoch = t.epoch
      join runs r on r.id = t.run_id
      join projects p on p.id = r.project_id ${authorizationTables}
    where t.host_id = ${hostId} and t.status = 'leased' and t.started_at is null
      and t.lease_until <= now() + ${times.leaseMs - olderThanMs} * interval '1 millisecond'
    order by t.created_at`.execute(tx)
  return rows
}
