import { create } from '@bufbuild/protobuf'
import type { Selectable } from 'kysely'
import { type Step, StepSchema } from '../../../proto/gen/fairway/v1/builds_pb.js'
import type { RunTrouble } from '../../db/record.ts'
import type { RunsTable } from '../../db/tables/runs.ts'
import type { Tx } from '../../db/tenancy.ts'
import { elapsedMs, runStatuses, timestampOf } from '../messages.ts'
import { describeTrouble } from '../runs/trouble-words.ts'

/**
 * A run's steps in their order; `attempts` is how often the task that was tried most was dispatched. The one in which the
 * run is stuck says so.
 */
export async function stepMessages(
  tx: Tx,
  run: Pick<Selectable<RunsTable>, 'id' | 'trouble'>,
): Promise<Step[]> {
  const trouble = run.trouble as RunTrouble | null
  const rows = await tx
    .selectFrom('steps')
    .leftJoin('tasks', 'tasks.step_id', 'steps.id')
    .selectAll('steps')
    .select((eb) => eb.fn.coalesce(eb.fn.max('tasks.epoch'), eb.lit(0)).as('attempts'))
    .where('steps.run_id', '=', run.id)
    .groupBy('steps.id')
    .orderBy('steps.position')
    .execute()
  return rows.map((row) =>
    create(StepSchema, {
      name: row.name,
      status: runStatuses[row.status],
      durationMs: elapsedMs(row.started_at, row.finished_at),
      startedAt: timestampOf(row.started_at),
      summary: [row.summary, trouble?.step === row.name && describeTrouble(trouble)]
        .filter(Boolean)
        .join('; '),
      attempts: row.attempts,
    }),
  )
}
