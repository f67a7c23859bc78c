import { isDeepStrictEqual } from 'node:util'
import type { AppContext } from '../../context.ts'
import { withTenant } from '../../db/tenancy.ts'
import { wrongState } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { lockLivingProject } from '../../governance/project-state.ts'
import { rollbackRun } from '../../operations/rollback/definition.ts'
import { requireEnvironment } from '../environments/environment-views.ts'
import { requireIdle } from '../environments/idle.ts'
import { findSameRun, type StartedRun } from '../same-run.ts'
import { requireSeen } from './prepared-plan.ts'
import { queueProductionRun } from './queue-run.ts'
import { prepareRollback, type WantedRollback } from './rollback-plan.ts'

/**
 * Takes production back; gives the run, also where the same is on its way already. Throws what prepareRollback throws, `rollback-refused`, `plan-changed`,
 * `environment-busy`.
 */
export async function startRollback(
  { db }: AppContext,
  caller: Caller,
  wanted: WantedRollback & { force: boolean; planSha256: string },
): Promise<StartedRun> {
  return await withTenant(db, caller, async (tx) => {
    const known = await prepareRollback(tx, wanted)
    const place = { projectId: known.project.id, environment: known.production.environment }
    await authorize(tx, caller, 'release.rollback', place)
    await lockLivingProject(tx, known.project.id, 'release.rollback')
    const { project, production, target } = await prepareRollback(tx, wanted)
    requireSeen(wanted.planSha256, target.sha256, `fairway rollback ${project.name}`)
    if (target.refusal && !wanted.force) {
      throw wrongState(
        'rollback-refused',
        `The older code does not fit the data: ${target.refusal}. Go back with the data of then ` +
          `(--with-data: what was written since is lost), or force it (--force).`,
      )
    }
    const environment = await requireEnvironment(tx, {
      project: project.name,
      environment: production.environment.name,
    })
    const { release, deployment, data } = target
    const input = {
      releaseId: release.id,
      withData: data !== undefined,
      force: wanted.force,
      planSha256: target.sha256,
      ...(wanted.snapshotId !== undefined && data && { snapshotId: data.snapshotId }),
    }
    const same = await findSameRun(tx, environment.id, 'rollback', (run) =>
      isDeepStrictEqual(run.input, input),
    )
    if (same) return { runId: same, attached: true }
    await requireIdle(tx, caller, environment, 'roll back')
    const runId = await queueProductionRun(tx, caller, production, rollbackRun, {
      commit: deployment.commit,
      input,
      action: 'release.rollback',
      details: {
        toBuild: release.build_number,
        digest: release.digest,
        withData: data !== undefined,
        forced: wanted.force,
        ...(wanted.snapshotId !== undefined && { snapshot: data?.snapshotId }),
      },
    })
    return { runId, attached: false }
  })
}
