import { notify } from '../../db/signals.ts'
import { endApproval, voidApprovalsOfRun } from '../../governance/approvals/state.ts'
import { findWaitingRuns } from '../../governance/approvals/waiting-runs.ts'
import { listRequests } from '../../governance/request-approval.ts'
import { findProduction } from '../../releases/production.ts'
import type { Engine } from '../../runs/replay.ts'
import { promoteRun } from '../promote/definition.ts'

/**
 * Requests of releases, and promotions that still wait for an approval, that were overtaken: production has changed, or the branch whose image was asked for serves another
 * one. Belongs into the transaction of what overtook them.
 */
export async function voidOvertaken(engine: Engine): Promise<void> {
  const { tx, op, run, project, environment } = engine.state
  if (environment.stage === 'production') {
    for (const row of await listRequests(tx, environment.id)) {
      await endApproval(tx, op, row, 'void', 'production has changed since it was asked for')
    }
    return
  }
  if (environment.stage !== 'staging') return
  const production = await findProduction(tx, project.id)
  if (!production) return
  const builds = await tx
    .selectFrom('runs')
    .select('id')
    .where('environment_id', '=', environment.id)
    .where('id', '<>', run.id)
    .execute()
  const ids = new Set(builds.map(({ id }) => id))
  await supersedeWaiting(engine, ids)
  for (const row of await listRequests(tx, production.environment.id)) {
    if (row.about_run_id && ids.has(row.about_run_id)) {
      await endApproval(tx, op, row, 'void', `build ${run.number} took the place of what it was asked for`)
    }
  }
}

/** Promotions of those builds that have touched nothing yet: what they would take to production is not the newest. */
async function supersedeWaiting({ state }: Engine, builds: ReadonlySet<string>): Promise<void> {
  const { tx, op, run, project } = state
  const running = await tx
    .selectFrom('runs')
    .select(['id', 'input'])
    .where('project_id', '=', project.id)
    .where('kind', '=', promoteRun.kind)
    .where('status', '=', 'running')
    .where('cancel_cause', 'is', null)
    .forUpdate()
    .execute()
  const overtaken = running.filter((each) => builds.has(promoteRun.input(each).candidateRunId))
  const waiting = await findWaitingRuns(
    tx,
    overtaken.map(({ id }) => id),
  )
  for (const id of waiting) {
    await tx
      .updateTable('runs')
      .set({ cancel_cause: 'superseded', cancelled_by: `build ${run.number}`, advance_at: new Date() })
      .where('id', '=', id)
      .execute()
    await voidApprovalsOfRun(tx, op, id, `build ${run.number} took the place of what it was asked for`)
    await notify(tx, { kind: 'run', id })
  }
}
