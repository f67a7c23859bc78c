import { create } from '@bufbuild/protobuf'
import { type Rehearsal, RehearsalSchema } from '../../../proto/gen/fairway/v1/releases_pb.js'
import type { AppContext } from '../../context.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { notFound } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { lockLivingProject } from '../../governance/project-state.ts'
import { recordColumns, viewOf } from '../../operations/kinds.ts'
import { rehearseRun } from '../../operations/rehearse/definition.ts'
import { findRehearsal } from '../../releases/rehearsals.ts'
import { findRunId } from '../run-id.ts'
import { preparePlan, requireUnblocked } from './prepared-plan.ts'
import { queueProductionRun } from './queue-run.ts'
import { rehearsalMessage } from './release-messages.ts'

/** Tries the update on a clone of production; gives the run's id. Throws what preparePlan throws, `release-blocked`. */
export async function startRehearsal(
  { config, db }: AppContext,
  caller: Caller,
  ref: { project: string; branch: string },
): Promise<string> {
  return await withTenant(db, caller, async (tx) => {
    const known = await preparePlan(tx, config, ref)
    const place = { projectId: known.project.id, environment: known.production.environment }
    await authorize(tx, caller, 'release.rehearse', place)
    await lockLivingProject(tx, known.project.id, 'release.rehearse')
    const prepared = await preparePlan(tx, config, ref)
    const { production, candidate, plan } = prepared
    // It looks at production's database itself, and says what it finds.
    requireUnblocked(prepared.blockers)
    return await queueProductionRun(tx, caller, production, rehearseRun, {
      branchId: candidate.branchId ?? undefined,
      commit: candidate.source.commit,
      input: { candidateRunId: candidate.runId, planSha256: plan.sha256 },
      action: 'release.rehearse',
      details: { digest: candidate.image.digest, build: candidate.source.buildNumber, plan: plan.sha256 },
    })
  })
}

/**
 * The rehearsal of a run, also of one that failed; without a run, the one that the branch's plan would go by. Undefined
 * where there is none (yet). Throws `run-not-found`.
 */
export async function getRehearsal(
  { config, db }: AppContext,
  caller: Caller,
  ref: { runId: string; project: string; branch: string },
): Promise<Rehearsal | undefined> {
  return await withTenant(db, caller, async (tx) => {
    if (ref.runId) return await ofRun(tx, ref.runId)
    const { project, plan, policy } = await preparePlan(tx, config, ref)
    const found = await findRehearsal(tx, project.id, plan.sha256, policy.document)
    return found && create(RehearsalSchema, rehearsalMessage(found.runId, found.finishedAt, found.rehearsal))
  })
}

async function ofRun(tx: Tx, runId: string): Promise<Rehearsal | undefined> {
  const known = await findRunId(tx, runId)
  const row = known
    ? await tx
        .selectFrom('runs')
        .select([...recordColumns, 'finished_at'])
        .where('id', '=', known)
        .executeTakeFirst()
    : undefined
  if (!row) throw notFound('run', JSON.stringify(runId), 'Rehearse: `fairway release rehearse`.')
  const { rehearsal, rehearsalRunId } = viewOf(row, ['rehearsal', 'rehearsalRunId'])
  return (
    rehearsal &&
    create(RehearsalSchema, rehearsalMessage(rehearsalRunId ?? row.id, row.finished_at, rehearsal))
  )
}
