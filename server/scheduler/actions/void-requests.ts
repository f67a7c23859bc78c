import { endApproval } from '../../governance/approvals/state.ts'
import { listRequests } from '../../governance/request-approval.ts'
import { findProduction } from '../../releases/production.ts'
import type { Engine } from '../replay.ts'

/**
 * Requests of releases that were overtaken: production has changed, or the branch whose image was asked for serves another
 * one. Belongs into the transaction of what overtook them.
 */
export async function voidOvertaken({ state }: Engine): Promise<void> {
  const { tx, op, run, project, environment } = state
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
  for (const row of await listRequests(tx, production.environment.id)) {
    if (row.about_run_id && ids.has(row.about_run_id)) {
      await endApproval(tx, op, row, 'void', `build ${run.number} took the place of what it was asked for`)
    }
  }
}
