import type { Selectable } from 'kysely'
import type { CancelRunRequest, Run } from '../../../proto/gen/fairway/v1/runs_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { notify } from '../../db/signals.ts'
import type { RunsTable } from '../../db/tables/runs.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { wrongState } from '../../errors.ts'
import { voidApprovalsOfRun } from '../../governance/approvals/state.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { placeOfBuild } from './build-views.ts'
import { findRun, getRun } from './runs.ts'

/** Asks for the end of any run. Throws `run-not-found`, `run-ended` (wrong state), `permission-denied`. */
export async function cancelRun(
  context: AppContext,
  caller: Caller,
  ref: Pick<CancelRunRequest, 'runId' | 'build'>,
): Promise<Run> {
  const runId = await withTenant(
    context.db,
    caller,
    async (tx) => await cancelIn(tx, caller, await findRun(tx, ref)),
  )
  return await getRun(context, caller, { runId })
}

/** In the caller's transaction; gives the run's id. The scheduler ends it, and puts back what it changed. */
export async function cancelIn(
  tx: Tx,
  caller: Caller,
  run: Selectable<RunsTable> & { readonly environment: string | null },
): Promise<string> {
  const { id, kind, number, project_id: projectId } = run
  await authorize(tx, caller, 'build.cancel', placeOfBuild(run))
  const wished = await tx
    .updateTable('runs')
    .set({ cancel_cause: 'user', cancelled_by: caller.actor, advance_at: new Date() })
    .where('id', '=', id)
    .where('status', 'in', ['queued', 'running'])
    .where('cancel_cause', 'is', null)
    .returning('id')
    .executeTakeFirst()
  const words = kind === 'build' ? 'build' : 'run'
  if (wished) {
    await voidApprovalsOfRun(tx, caller, id, `${caller.actor} cancelled the ${words}`)
    const details = kind === 'build' ? { number } : { kind, environment: run.environment }
    await audit(tx, caller, `${words}.cancel`, { kind: 'run', id, projectId }, details)
    await notify(tx, { kind: 'run', id })
    return id
  }
  const { status } = await tx
    .selectFrom('runs')
    .select('status')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  // On its way to the end already: asking again changes nothing.
  if (status === 'queued' || status === 'running') return id
  const name = kind === 'build' ? `Build ${number}` : `The ${kind}`
  throw wrongState(`${words}-ended`, `${name} has ended already (${status}); there is nothing to cancel.`)
}
