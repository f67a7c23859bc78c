import type { AppContext } from '../../context.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { endApproval, expiredReason } from '../../governance/approvals/state.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { lockLivingProject } from '../../governance/project-state.ts'
import { listRequests } from '../../governance/request-approval.ts'
import { promoteRun } from '../../operations/promote/definition.ts'
import { readDeploySubject } from '../../releases/subject.ts'
import { requireEnvironment } from '../environments/environment-views.ts'
import { requireIdle } from '../environments/idle.ts'
import type { StartedRun } from '../same-run.ts'
import { blockersOf, type PreparedPlan, preparePlan, requireSeen, requireUnblocked } from './prepared-plan.ts'
import { queueProductionRun } from './queue-run.ts'
import { findSamePromotion } from './same-promotion.ts'

/**
 * Takes the image that the branch's staging environment serves to production; gives the run, also where it is on its way
 * already or waits for somebody to approve it: it is asked for once. The approval that was
 * requested for this very plan is its own from now on. Throws what preparePlan throws, `release-blocked`, `plan-changed`,
 * `environment-busy`.
 */
export async function promoteRelease(
  { config, db }: AppContext,
  caller: Caller,
  wanted: { project: string; branch: string; planSha256: string },
): Promise<StartedRun> {
  return await withTenant(db, caller, async (tx) => {
    const known = await preparePlan(tx, config, wanted)
    await authorize(tx, caller, 'release.promote', {
      projectId: known.project.id,
      environment: known.production.environment,
    })
    await lockLivingProject(tx, known.project.id, 'release.promote')
    // As it is now that nobody else can start anything.
    const prepared = await preparePlan(tx, config, wanted)
    const { project, production, candidate, plan } = prepared
    requireUnblocked(blockersOf(prepared))
    requireSeen(wanted.planSha256, plan.sha256, `fairway release plan ${project.name} ${candidate.branch}`)
    const environment = await requireEnvironment(tx, {
      project: project.name,
      environment: production.environment.name,
    })
    const same = await findSamePromotion(tx, prepared)
    if (same) return { runId: same, attached: true }
    await requireIdle(tx, caller, environment, 'release to')
    const runId = await queueProductionRun(tx, caller, production, promoteRun, {
      branchId: candidate.branchId ?? undefined,
      commit: candidate.source.commit,
      input: { candidateRunId: candidate.runId, planSha256: plan.sha256 },
      action: 'release.promote',
      details: {
        digest: candidate.image.digest,
        build: candidate.source.buildNumber,
        branch: candidate.branch,
        plan: plan.sha256,
      },
    })
    await takeOverApproval(tx, caller, prepared, runId)
    return { runId, attached: false }
  })
}

/** The newest for this plan; what else was asked for of the same build is void. */
async function takeOverApproval(
  tx: Tx,
  caller: Caller,
  { production, candidate, plan }: PreparedPlan,
  runId: string,
): Promise<void> {
  const requests = (await listRequests(tx, production.environment.id)).filter(
    (row) => row.about_run_id === candidate.runId,
  )
  const now = new Date()
  const own = requests.find(
    ({ subject, expires_at }) => expires_at > now && readDeploySubject(subject).plan === plan.sha256,
  )
  for (const row of requests) {
    if (row.id === own?.id) {
      await tx.updateTable('approvals').set({ run_id: runId }).where('id', '=', row.id).execute()
    } else if (row.expires_at <= now) await endApproval(tx, caller, row, 'expired', expiredReason(row))
    else await endApproval(tx, caller, row, 'void', 'what would happen has changed since it was asked for')
  }
}
