import { create } from '@bufbuild/protobuf'
import { type Step, StepSchema } from '../../../proto/gen/fairway/v1/builds_pb.js'
import type { Tx } from '../../db/tenancy.ts'
import { elapsedMs, runStatuses, timestampOf } from '../messages.ts'

/** A run's steps in their order; `attempts` is how often the task that was tried most was dispatched. */
export async function stepMessages(tx: Tx, runId: string): Promise<Step[]> {
  const rows = await tx
    .selectFrom('steps')
    .leftJoin('tasks', 'tasks.step_id', 'steps.id')
    .selectAll('steps')
    .select((eb) => eb.fn.coalesce(eb.fn.max('tasks.epoch'), eb.lit(0)).as('attempts'))
    .where('steps.run_id', '=', runId)
    .groupBy('steps.id')
    .orderBy('steps.position')
    .execute()
  return rows.map((row) =>
    create(StepSchema, {
      name: row.name,
      status: runStatuses[row.status],
      durationMs: elapsedMs(row.started_at, row.finished_at),
      startedAt: timestampOf(row.started_at),
      summary: row.summary,
      attempts: row.attempts,
    }),
  )
}
