import { sql } from 'kysely'
import type { Tx } from '../../db/tenancy.ts'
import { durationMs } from '../../governance/policy/document.ts'
import { policyInForce } from '../../governance/policy/in-force.ts'
import { kindsThat } from '../kinds.ts'

/**
 * Digests of a project's images that something may still ask for: what environments serve, what production can go back
 * to, what the evidence of releases names, what living approvals, rehearsals, snapshots and runs are about.
 * Undefined while another build is about to use an image and has not said which.
 */
export async function imagesInUse(
  tx: Tx,
  projectId: string,
  runId: string,
  now: Date,
): Promise<string[] | undefined> {
  const { retention, rollback, rehearsal } = (await policyInForce(tx, projectId)).document
  const before = (age: string) => new Date(now.getTime() - durationMs(age))
  const { rows } = await sql<{ digest: string | null; unknown: boolean }>`
    with living_runs as (
      select id, status, kind, record, input from runs
        where project_id = ${projectId} and status in ('queued', 'running')
      union all
      select id, status, kind, record, input from runs
        where project_id = ${projectId} and kind = 'rehearse' and finished_at > ${before(rehearsal.maxAge)}
    ),
    living_approvals as (
      select run_id, about_run_id, subject from approvals
        where project_id = ${projectId} and status in ('open', 'approved') and expires_at > ${now}
    ),
    -- The build that a run or a request is about, beside the run itself.
    about as (
      select id from living_runs
      union
      select (input ->> 'candidateRunId')::uuid from living_runs where input ? 'candidateRunId'
      union
      select unnest(array[run_id, about_run_id]) from living_approvals
      union
      select run_id from snapshots where project_id = ${projectId} and status <> 'destroyed'
      union
      -- What updated them is needed to make a copy of them neutral.
      select (facts ->> 'changedBy')::uuid from snapshots where project_id = ${projectId} and status <> 'destroyed'
    )
    select runs.record ->> 'digest' as digest, false as unknown
      from about join runs on runs.id = about.id where runs.project_id = ${projectId}
    union
    select record -> 'rehearsal' ->> 'digest', false from living_runs
    union
    select deployment ->> 'digest', false from environments
      where project_id = ${projectId} and destroyed_at is null
    union
    select subject::jsonb ->> 'digest', false from living_approvals
    union
    -- Of each production that the project has had.
    select newest.digest, false from environments e cross join lateral (
        select digest from releases where environment_id = e.id order by number desc limit ${rollback.releases + 1}
      ) newest
      where e.project_id = ${projectId} and e.stage = 'production'
    union
    select digest, false from releases
      where project_id = ${projectId} and went_live_at > ${before(retention.evidence)}
    union
    select null, true from living_runs
      where id <> ${runId} and status = 'running' and kind in (${sql.join(kindsThat(({ image }) => image !== 'none'))})
        and not record ? 'digest'
  `.execute(tx)
  if (rows.some(({ unknown }) => unknown)) return undefined
  return rows.flatMap(({ digest }) => (digest && /^sha256:[0-9a-f]{64}$/.test(digest) ? [digest] : [])).sort()
}
