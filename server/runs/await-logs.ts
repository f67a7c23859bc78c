import type { Engine } from './replay.ts'

/** How long a run waits, after its last task, for log lines that its agent still has on disk. */
const logGraceMs = 30_000
const logRecheckMs = 500

/** Until every line that the run's tasks wrote is durable, or has been waited for long enough. */
export async function awaitLogs(engine: Engine): Promise<void> {
  await engine.until('logs-awaited', logRecheckMs, async () =>
    (await isWorthWaiting(engine)) ? undefined : true,
  )
}

async function isWorthWaiting({ state: { tx, run, tasks } }: Engine): Promise<boolean> {
  const ends = [...tasks.values()].map(({ finished_at }) => finished_at?.getTime() ?? 0)
  if (Date.now() - Math.max(...ends, 0) >= logGraceMs) return false
  const behind = await tx
    .selectFrom('log_streams')
    .innerJoin('tasks', 'tasks.id', 'log_streams.task_id')
    .select('log_streams.id')
    .where('log_streams.run_id', '=', run.id)
    .where('log_streams.closed', '=', false)
    .whereRef('log_streams.last_sequence', '<', 'tasks.log_lines')
    .limit(1)
    .executeTakeFirst()
  return behind !== undefined
}
