import { notify } from '../../db/signals.ts'
import type { Tx } from '../../db/tenancy.ts'
import { wrongState } from '../../errors.ts'
import { findWaitingRuns } from '../../governance/approvals/waiting-runs.ts'
import type { Caller } from '../../governance/authorize.ts'
import type { EnvironmentRow } from './environment-views.ts'

/** A run that waits for an approval has changed nothing yet: it gives way, and its approval is void. */
export async function requireIdle(
  tx: Tx,
  caller: Caller,
  environment: EnvironmentRow,
  verb: string,
): Promise<void> {
  if (!environment.running_run) return
  const run = await tx
    .selectFrom('runs')
    .select(['id', 'kind', 'number'])
    .where('id', '=', environment.running_run)
    .forUpdate()
    .executeTakeFirstOrThrow()
  if ((await findWaitingRuns(tx, [run.id])).has(run.id)) {
    await tx
      .updateTable('runs')
      .set({
        cancel_cause: 'system',
        cancelled_by: `${caller.actor} wants to ${verb} the environment first`,
        advance_at: new Date(),
      })
      .where('id', '=', run.id)
      .where('cancel_cause', 'is', null)
      .execute()
    await notify(tx, { kind: 'run', id: run.id })
    return
  }
  const next =
    run.kind === 'build'
      ? `Wait for build ${run.number} or cancel it: fairway build cancel ${environment.project} ${run.number}`
      : `Wait for it: fairway run show ${run.id}`
  throw wrongState(
    'environment-busy',
    `A ${run.kind} of ${environment.project}/${environment.name} is under way. ${next}`,
  )
}
