import type { LogFinding, Rehearsal, RowCountDifference } from '../../proto/gen/fairway/v1/releases_pb.js'
import { schemaDifferenceJson } from './schema-difference.ts'
import { numberOf, textOf, timeOf } from './values.ts'

/** Part of `release rehearse --json` and of a plan; scripts depend on the keys. */
export const rehearsalJson = (rehearsal: Rehearsal) => ({
  runId: rehearsal.runId,
  planSha256: rehearsal.planSha256,
  digest: rehearsal.digest,
  finishedAt: timeOf(rehearsal.finishedAt),
  verdict: rehearsal.verdict,
  reasons: rehearsal.reasons,
  updateMs: numberOf(rehearsal.updateMs),
  downtimeMs: numberOf(rehearsal.downtimeMs),
  sourceTime: timeOf(rehearsal.sourceTime),
  locks: rehearsal.locks.map(({ table, mode, heldMs }) => ({ table, mode, heldMs: numberOf(heldMs) })),
  rewrittenTables: rehearsal.rewrittenTables.map(({ table, bytes }) => ({ table, bytes: numberOf(bytes) })),
  schema: rehearsal.schema.map(schemaDifferenceJson),
  rowCounts: rehearsal.rowCounts.map(rowCountJson),
  deactivatedViews: rehearsal.deactivatedViews,
  log: rehearsal.log.map(logFindingJson),
  migrations: rehearsal.migrations.map(({ module, versionBefore, versionAfter, scripts }) => ({
    module,
    versionBefore: textOf(versionBefore),
    versionAfter: textOf(versionAfter),
    scripts,
  })),
})
export type RehearsalJson = ReturnType<typeof rehearsalJson>

const rowCountJson = ({ table, before, after }: RowCountDifference) => ({
  table,
  before: numberOf(before),
  after: numberOf(after),
})
export type RowCountJson = ReturnType<typeof rowCountJson>

const logFindingJson = (finding: LogFinding) => ({
  level: finding.level,
  logger: finding.logger,
  sample: finding.sample,
  count: finding.count,
  new: finding.new,
})
export type LogFindingJson = ReturnType<typeof logFindingJson>
