import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { sql } from 'kysely'
import type { ApprovalBasisSchema, ApprovalLossSchema } from '../../../proto/gen/fairway/v1/approvals_pb.js'
import type { Tx } from '../../db/tenancy.ts'
import type { ApprovalRow } from '../../governance/approvals/state.ts'
import { inspectRun } from '../../operations/inspect/definition.ts'
import { recordColumns, viewOf } from '../../operations/kinds.ts'
import { commitsOfDeploy, commitsOfRollback } from './approval-commits.ts'
import type { BoundSubject } from './bound-subject.ts'

/** What those who decide go by, from what is on record; undefined for what is neither a deployment nor a rollback. */
export async function basisOf(
  tx: Tx,
  row: ApprovalRow,
): Promise<MessageInitShape<typeof ApprovalBasisSchema> | undefined> {
  const subject = JSON.parse(row.subject) as BoundSubject
  if (row.action === 'production-deploy') {
    return { commits: await commitsOfDeploy(tx, row, subject), plan: await planOf(tx, row, subject) }
  }
  if (row.action === 'rollback') {
    return { commits: await commitsOfRollback(tx, row, subject), loss: await lossOf(tx, row, subject) }
  }
  return undefined
}

/** Of whichever run has it: the one that waits, or its rehearsal. */
async function planOf(tx: Tx, { project_id, run_id }: ApprovalRow, subject: BoundSubject): Promise<string> {
  const runs = [run_id, subject.rehearsal?.run].filter((id) => typeof id === 'string')
  if (!subject.plan || runs.length === 0) return ''
  const row = await tx
    .selectFrom('runs')
    .select(recordColumns)
    .where('project_id', '=', project_id)
    .where(sql<string>`id::text`, 'in', runs)
    .where(sql<string>`record ->> 'planSha256'`, '=', subject.plan)
    .limit(1)
    .executeTakeFirst()
  return (row && viewOf(row, ['plan']).plan) ?? ''
}

/** As it was last counted since that very moment, by whoever asked for the rollback. */
async function lossOf(
  tx: Tx,
  { environment_id }: ApprovalRow,
  { data }: BoundSubject,
): Promise<MessageInitShape<typeof ApprovalLossSchema> | undefined> {
  if (!data || !environment_id) return undefined
  const since = timestampFromDate(new Date(data.takenAt))
  const run = await tx
    .selectFrom('runs')
    .select(['id', 'record', 'record_version', 'finished_at'])
    .where('environment_id', '=', environment_id)
    .where('kind', '=', 'inspect')
    .where('status', '=', 'succeeded')
    .where(sql<string>`record -> 'changes' ->> 'since'`, '=', data.takenAt)
    .orderBy('finished_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  const changes = run && inspectRun.record.read(run).changes
  if (!changes || !run?.finished_at) return { since }
  return {
    since,
    rows: BigInt(changes.rows),
    tables: changes.tables.map(({ table, rows }) => ({ table, rows: BigInt(rows) })),
    uncountedTables: [...changes.uncountedTables],
    countedAt: timestampFromDate(run.finished_at),
  }
}
