import type { RollbackLoss, RollbackPlan } from '../../proto/gen/fairway/v1/releases_pb.js'
import { releaseImageJson } from './release-image.ts'
import { numberOf, textOf, timeOf } from './values.ts'

/** Parts of `rollback --json`; scripts depend on the keys. */
export const rollbackPlanJson = (plan: RollbackPlan) => ({
  project: plan.project,
  environment: plan.environment,
  current: plan.current ? releaseImageJson(plan.current) : null,
  target: plan.target ? releaseImageJson(plan.target) : null,
  withData: plan.withData,
  updates: plan.updates,
  refusal: textOf(plan.refusal),
  dataFrom: timeOf(plan.dataFrom),
  databaseSeenAt: timeOf(plan.databaseSeenAt),
  hints: plan.hints,
  snapshotId: textOf(plan.snapshotId),
  dirtySince: timeOf(plan.dirtySince),
  sha256: plan.sha256,
})
export type RollbackPlanJson = ReturnType<typeof rollbackPlanJson>

export const rollbackLossJson = (loss: RollbackLoss) => ({
  since: timeOf(loss.since),
  lastChange: timeOf(loss.lastChange),
  changedRows: numberOf(loss.changedRows),
  tables: loss.tables.map(({ table, rows }) => ({ table, rows: numberOf(rows) })),
  uncountedTables: loss.uncountedTables,
})
export type RollbackLossJson = ReturnType<typeof rollbackLossJson>
