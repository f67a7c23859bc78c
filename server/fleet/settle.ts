import { sql } from 'kysely'
import { markRefused } from '../db/dirty-cells.ts'
import { notify } from '../db/signals.ts'
import type { TaskStatus } from '../db/tables/runs.ts'
import type { Operation, Tx } from '../db/tenancy.ts'

export interface Settlement {
  readonly status: Extract<TaskStatus, 'succeeded' | 'failed' | 'cancelled' | 'timed-out'>
  readonly reason?: string
  readonly error?: string
  /** JSON text of TaskOutput; as far as it was known where the task did not succeed. */
  readonly output?: string
  readonly warnings?: readonly string[]
  /** Entries that its log stream will have, once all have arrived. */
  readonly logLines?: number
  readonly startedAt?: Date
  readonly finishedAt?: Date
  readonly artifacts?: readonly { name: string; mediaType: string; sha256: string; sizeBytes: number }[]
}

export interface LockedTask {
  readonly epoch: number
  readonly status: TaskStatus
  readonly host_id: string
  readonly max_attempts: number
  readonly cancel_requested: boolean
  /** Past its time-out and what its host may take to report it. */
  readonly overdue: boolean
  /** Since its lease ran out; negative while it is held. Null without a lease. */
  readonly unleased_ms: number | null
}

/** Locks a task's run and then the task: the run engine's order, so that nobody waits in a circle. */
export async function lockTask(tx: Tx, taskId: string): Promise<LockedTask | undefined> {
  await sql`select from runs where id = (select run_id from tasks where id = ${taskId}) for update`.execute(
    tx,
  )
  const { rows } = await sql<LockedTask>`
    select epoch, status, host_id, max_attempts, cancel_requested, coalesce(timeout_at < now(), false) as overdue,
      (1000 * extract(epoch from now() - lease_until))::float8 as unleased_ms
    from tasks where id = ${taskId} for update`.execute(tx)
  return rows[0]
}

/**
 * Gives an open task its one terminal state and makes its run due. The caller has it from `lockTask`; nothing happens
 * to one that has ended already.
 */
export async function settleTask(
  tx: Tx,
  op: Operation,
  taskId: string,
  settlement: Settlement,
): Promise<void> {
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
    .returning(['run_id', 'kind', 'spec'])
    .executeTakeFirst()
  if (!task) return
  if (settlement.reason === 'dirty') await markRefused(tx, task)
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
}
