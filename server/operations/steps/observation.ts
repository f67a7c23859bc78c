import type { LogIssue, UpdateObservation } from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { LogIssueRecord, UpdateRecord } from '../../db/record.ts'

/** The agent's observation as it is kept with the run. */
export function updateRecord(seen: UpdateObservation): UpdateRecord {
  return {
    durationMs: Number(seen.odooMs),
    locks: seen.locks.map(({ table, mode, heldMs }) => ({ table, mode, heldMs: Number(heldMs) })),
    rewrittenTables: seen.rewrittenTables.map(({ table, bytes }) => ({ table, bytes: Number(bytes) })),
    schema: seen.schema.map(({ kind, change, table, name, detail }) => ({
      kind,
      change,
      table,
      name,
      detail,
    })),
    rowCounts: seen.rowCounts.map(({ table, before, after }) => ({
      table,
      before: Number(before),
      after: Number(after),
    })),
    deactivatedViews: seen.deactivatedViews,
    versions: seen.versions.map(({ module, before, after, scripts }) => ({ module, before, after, scripts })),
    issues: seen.issues.map(issueRecord),
    omissions: seen.omissions,
    ...(seen.schemaUnknown && { schemaUnknown: true }),
  }
}

export const issueRecord = ({ fingerprint, level, logger, sample, count }: LogIssue): LogIssueRecord => ({
  fingerprint,
  level,
  logger,
  sample,
  count,
})
