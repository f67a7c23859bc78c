import { sql } from 'kysely'
import type { TaskStatus } from '../db/schema.ts'
import { notify } from '../db/signals.ts'
import type { Operation, Tx } from '../db/tenancy.ts'

export interface Settlement {
  readonly status: Extract<TaskStatus, 'succeeded' | 'failed' | 'cancelled' | 'timed-out'>
  readonly reason?: string
  readonly error?: string
  /** JSON text of TaskOutput. */
  readonly output?: string
  readonly warnings?: readonly string[]
  /** Entries that its log stream will have, once all have arrived. */
  readonly logLines?: number
  readonly startedAt?: Date
  readonly finishedAt?: Date
  readonly artifacts?: readonly { name: string; mediaType: string; sha256: string; sizeBytes: number }[]
}

/**
 * Gives an open task its one terminal state and makes its run due. The caller has locked the row or does not mind
 * losing the race; false when the task had ended already.
 */
export async function settleTask(
  tx: Tx,
  op: Operation,
  taskId: string,
  settlement: Settlement,
): Promise<boolean> {
  const task = await tx
    .updateTable('tasks')
    .set((eb) => ({
      status: settlement.status,
      reason: settlement.reason ?? '',
      error: settlement.error ?? '',
      output: settlement.output ?? null,
      warnings: [...(settlement.warnings ?? [])],
      log_lines: settlement.logLines ?? 0,
      lease_until: null,
      started_at: eb.fn.coalesce('started_at', eb.val(settlement.startedAt ?? null)),
      finished_at: settlement.finishedAt ?? new Date(),
    }))
    .where('id', '=', taskId)
    .where('status', 'in', ['queued', 'leased'])
    .returning(['run_id'])
    .executeTakeFirst()
  if (!task) return false
  for (const { name, mediaType, sha256, sizeBytes } of settlement.artifacts ?? []) {
    await tx
      .insertInto('artifacts')
      .values({
        organization_id: op.organizationId,
        run_id: task.run_id,
        task_id: taskId,
        name,
        media_type: mediaType,
        sha256,
        size_bytes: sizeBytes,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
  await tx
    .updateTable('runs')
    .set({ advance_at: sql<Date>`now()` })
    .where('id', '=', task.run_id)
    .where('finished_at', 'is', null)
    .execute()
  await notify(tx, { kind: 'run', id: task.run_id })
  return true
}
