import { Result, RunStatus } from '../../proto/gen/fairway/v1/common_pb.js'
import type { ReleaseEntry } from '../../proto/gen/fairway/v1/releases_pb.js'
import { numberOf, textOf, timeOf, wordOf } from './values.ts'

/** A line of `release history --json`; scripts depend on the keys. */
export const releaseEntryJson = (entry: ReleaseEntry) => ({
  runId: entry.runId,
  kind: entry.kind,
  status: wordOf(RunStatus, entry.status) ?? 'unknown',
  result: wordOf(Result, entry.result),
  reason: textOf(entry.reason),
  build: entry.build || null,
  commit: textOf(entry.commit),
  digest: textOf(entry.digest),
  requestedBy: entry.requestedBy,
  approvedBy: entry.approvedBy,
  startedAt: timeOf(entry.startedAt),
  liveAt: timeOf(entry.liveAt),
  finishedAt: timeOf(entry.finishedAt),
  downtimeMs: numberOf(entry.downtimeMs),
  updatedModules: entry.updatedModules,
  putBack: entry.putBack,
  withData: entry.withData,
  current: entry.current,
  codeKept: entry.codeKept,
  dataKept: entry.dataKept,
  failedSnapshotId: textOf(entry.failedSnapshotId),
  failedSnapshotUntil: timeOf(entry.failedSnapshotUntil),
  rehearsalRunId: textOf(entry.rehearsalRunId),
  manifestSha256: textOf(entry.manifestSha256),
  brokenBy: textOf(entry.brokenBy),
  reviewOpen: entry.reviewOpen,
  approvalId: textOf(entry.approvalId),
})
export type ReleaseEntryJson = ReturnType<typeof releaseEntryJson>
