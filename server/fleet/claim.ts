import { sql } from 'kysely'
import { schemaIsKnown } from '../db/schema-version.ts'
import type { Tx } from '../db/tenancy.ts'
import type { Peer } from './authenticate.ts'
import { type LinkTimes, tasksForProduction, tasksPerHost } from './limits.ts'
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

/** Beside the table `r` (runs): production is behind its maintenance page until the run is done, whatever it asks for next. */
const holdsProduction = sql`exists (select from cells where held_by = r.id and stage = 'production')`

/**
 * Beside the tables `r` (runs) and `t` (the task). What puts production back, or must not be interrupted there, goes before
 * all else: its visitors wait. Then whatever may touch production, and all that a run asks for that holds it; then what
 * tidies up, then builds.
 */
const lane = sql`case when t.always and r.stage = 'production' then 0
  when t.authorization_id is not null or ${holdsProduction} then 1 when t.always then 2 else 3 end`

/**
 * Takes the host's queued tasks for one dispatch: the epoch grows, the lease begins, and the epoch's log stream is
 * made, all in one statement. SKIP LOCKED keeps two servers that both hold a stream of the host off the same task.
 * In a lane the project goes first of which the host has the fewest; for production some places are kept free.
 * A former epoch's stream is closed, so that its agent cannot add to it any more. A locked host is given nothing, nor is
 * a session whose certificate was revoked or replaced and which is about to be ended; and a server that is older than the
 * database takes nothing.
 */
export async function claimTasks(
  tx: Tx,
  { hostId, serial }: Pick<Peer, 'hostId' | 'serial'>,
  times: LinkTimes,
): Promise<ClaimedTask[]> {
  const { rows } = await sql<ClaimedTask>`
    with held as (
      select r.project_id, count(*) as tasks from tasks t join runs r on r.id = t.run_id
      where t.host_id = ${hostId} and t.status = 'leased' group by r.project_id
    ), waiting as (
      select t.id, t.created_at, ${lane} as lane, coalesce(held.tasks, 0)
          + row_number() over (partition by ${lane}, r.project_id order by t.created_at) as turn
      from tasks t join runs r on r.id = t.run_id left join held on held.project_id = r.project_id
      where t.host_id = ${hostId} and t.status = 'queued' and not t.cancel_requested
    ), ranked as (
      select id, lane, row_number() over (order by lane, turn, created_at)
        + (select coalesce(sum(tasks), 0) from held) as place
      from waiting
    ), claimed as (
      update tasks set
        status = 'leased', epoch = epoch + 1, started_at = null,
        lease_until = now() + ${times.leaseMs} * interval '1 millisecond',
        timeout_at = now() + (timeout_ms + ${times.timeoutGraceMs}) * interval '1 millisecond'
      where id in (
        select tasks.id from tasks join ranked on ranked.id = tasks.id
        where tasks.status = 'queued' and not tasks.cancel_requested
          and ranked.place <= case when ranked.lane < 2 then ${tasksPerHost + tasksForProduction}::integer else ${tasksPerHost}::integer end
          and exists (select from hosts where id = ${hostId} and status <> 'locked'
            and starts_with(certificate_serial, ${lineageOf(serial)}))
          and ${schemaIsKnown}
        order by ranked.place for update of tasks skip locked
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
