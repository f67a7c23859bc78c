import { sql } from 'kysely'
import type { RehearsalRecord } from '../db/record.ts'
import type { Tx } from '../db/tenancy.ts'
import { livingStatuses } from '../governance/approvals/state.ts'
import { durationMs, type PolicyDocument } from '../governance/policy/document.ts'
import { rehearseRun } from '../operations/rehearse/definition.ts'
import { readDeploySubject } from './subject.ts'

export interface Rehearsed {
  readonly runId: string
  readonly finishedAt: Date
  readonly rehearsal: RehearsalRecord
}

/** The newest rehearsal of that very plan (or the one of that run) which passed, and which the policy finds young enough. */
export async function findRehearsal(
  tx: Tx,
  projectId: string,
  planSha256: string,
  { rehearsal }: Pick<PolicyDocument, 'rehearsal'>,
  runId?: string,
): Promise<Rehearsed | undefined> {
  let query = tx
    .selectFrom('runs')
    .select(['id', 'record', 'record_version', 'finished_at'])
    .where('project_id', '=', projectId)
    .where('kind', '=', 'rehearse')
    .where('status', '=', 'succeeded')
    .where(sql<string>`record ->> 'planSha256'`, '=', planSha256)
    .where('finished_at', '>', new Date(Date.now() - durationMs(rehearsal.maxAge)))
    .orderBy('finished_at', 'desc')
    .limit(1)
  if (runId) query = query.where('id', '=', runId)
  const row = await query.executeTakeFirst()
  const rehearsed = row && rehearseRun.record.read(row).rehearsal
  if (!row?.finished_at || !rehearsed) return undefined
  return { runId: row.id, finishedAt: row.finished_at, rehearsal: rehearsed }
}

/** The one that the run's approval names, while it may still be used. */
export async function findRehearsalOfRun(
  tx: Tx,
  runId: string,
  planSha256: string,
  policy: Pick<PolicyDocument, 'rehearsal'>,
): Promise<Rehearsed | undefined> {
  const approval = await tx
    .selectFrom('approvals')
    .select(['subject', 'project_id'])
    .where('run_id', '=', runId)
    .where('status', 'in', livingStatuses)
    .executeTakeFirst()
  if (!approval) return undefined
  const { rehearsal } = readDeploySubject(approval.subject)
  if (!rehearsal) return undefined
  return await findRehearsal(tx, approval.project_id, planSha256, policy, rehearsal.run)
}
