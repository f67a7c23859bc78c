import type { Tx } from '../../db/tenancy.ts'
import { wrongState } from '../../errors.ts'
import type { Caller } from '../../governance/authorize.ts'
import { findBusyRun, howToWait } from '../busy-runs.ts'

const participles = { rename: 'renamed', archive: 'archived', delete: 'deleted' } as const

/**
 * What runs goes by the project as it was when it began, and approvals by its name. The caller holds the project's row
 * lock, so that none begins meanwhile; what only waits for an approval gives way. Throws `project-busy`.
 */
export async function requireNoRuns(
  tx: Tx,
  caller: Caller,
  { id, name }: { readonly id: string; readonly name: string },
  verb: keyof typeof participles,
): Promise<void> {
  const rows = await tx
    .selectFrom('runs')
    .select('id')
    .where('project_id', '=', id)
    .where('status', 'in', ['queued', 'running'])
    .execute()
  const runIds = rows.map((row) => row.id)
  const run = await findBusyRun(tx, caller, runIds, `to ${verb} the project`)
  if (!run) return
  throw wrongState(
    'project-busy',
    `A ${run.kind} of ${name} is under way, so it can’t be ${participles[verb]} now: ${howToWait(name, run)}`,
  )
}
