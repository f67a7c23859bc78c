import type { Tx } from './tenancy.ts'

/** What resolve answered in a run, as JSON of `TaskOutput`; undefined where it has not succeeded. */
export async function findResolveOutput(tx: Tx, runId: string): Promise<unknown> {
  const task = await tx
    .selectFrom('tasks')
    .select('output')
    .where('run_id', '=', runId)
    .where('kind', '=', 'resolve')
    .where('status', '=', 'succeeded')
    .executeTakeFirst()
  return task?.output ?? undefined
}
