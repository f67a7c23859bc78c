import type { Tx } from '../../db/tenancy.ts'
import { promoteRun } from '../../operations/promote/definition.ts'
import type { RecordRow } from '../../runs/record.ts'
import { findSameRun } from '../same-run.ts'
import type { PreparedPlan } from './prepared-plan.ts'

/** The id of the promotion of that very image and plan that is under way, or waits to be approved. */
export async function findSamePromotion(tx: Tx, prepared: PreparedPlan): Promise<string | undefined> {
  const { id } = prepared.production.environment
  return await findSameRun(tx, id, 'promote', (run) => isFor(run, prepared))
}

/** Its own look into the database may have made another plan of the one that was asked for; that is on its record. */
function isFor(run: RecordRow & { input: unknown }, { candidate, plan }: PreparedPlan): boolean {
  const { candidateRunId, planSha256 } = promoteRun.input(run)
  const known = [planSha256, promoteRun.record.read(run).planSha256]
  return candidateRunId === candidate.runId && known.includes(plan.sha256)
}
