import type { AccessLine, Release, Restore } from '../../proto/gen/fairway/v1/reports_pb.js'
import { numberOf, textOf, timeOf } from './values.ts'

/** A line of `report releases --json`. */
export const releaseJson = (release: Release) => ({
  project: release.project,
  build: release.buildNumber,
  commit: textOf(release.commit),
  digest: textOf(release.digest),
  requestedBy: release.requestedBy,
  authorizedBy: textOf(release.authorizedBy),
  outcome: release.outcome,
  finishedAt: timeOf(release.finishedAt),
  durationMs: numberOf(release.durationMs),
  approvalId: textOf(release.approvalId),
  runId: release.runId,
  statements: release.statements,
  reviewOpen: release.reviewOpen,
})
export type ReleaseJson = ReturnType<typeof releaseJson>

/** A line of `report access --json`. */
export const accessJson = (line: AccessLine) => ({
  member: line.member,
  kind: line.kind,
  project: textOf(line.project),
  what: line.what,
  givenBy: textOf(line.givenBy),
  from: timeOf(line.from),
  until: timeOf(line.until),
  lastUsedAt: timeOf(line.lastUsedAt),
})
export type AccessJson = ReturnType<typeof accessJson>

/** A line of `report restores --json`. */
export const restoreJson = (restore: Restore) => ({
  project: restore.project,
  environment: textOf(restore.environment),
  restoredTo: timeOf(restore.restoredTo),
  at: timeOf(restore.at),
  runId: restore.runId,
  build: restore.buildNumber || null,
  reason: textOf(restore.reason),
  outcome: restore.outcome,
  authorizedBy: textOf(restore.authorizedBy),
})
export type RestoreJson = ReturnType<typeof restoreJson>
