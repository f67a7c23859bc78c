import type { Selectable } from 'kysely'
import type { RunKind, RunsTable } from '../db/tables/runs.ts'
import type { Tx } from '../db/tenancy.ts'

type RunRow = Selectable<RunsTable>

/** A run that does what was asked for. `attached`: there was one already, and nothing new was begun. */
export interface StartedRun {
  readonly runId: string
  readonly attached: boolean
}

/**
 * The id of a run of the environment that is to do the same, and is not over: whoever wants it again follows that one. To
 * begin another would end it, and void what it was approved by. Under the lock of the project.
 */
export async function findSameRun(
  tx: Tx,
  environmentId: string,
  kind: RunKind,
  isSame: (run: RunRow) => boolean = () => true,
): Promise<string | undefined> {
  const runs = await tx
    .selectFrom('runs')
    .selectAll()
    .where('environment_id', '=', environmentId)
    .where('kind', '=', kind)
    .where('status', 'in', ['queued', 'running'])
    .where('cancel_cause', 'is', null)
    .orderBy('created_at')
    .execute()
  return runs.find(isSame)?.id
}
