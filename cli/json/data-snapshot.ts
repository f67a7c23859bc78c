import { RunStatus } from '../../proto/gen/fairway/v1/common_pb.js'
import type { DataSnapshot } from '../../proto/gen/fairway/v1/releases_pb.js'
import { numberOf, textOf, timeOf, wordOf } from './values.ts'

/** A line of `snapshot list --json`; scripts depend on the keys. */
export const dataSnapshotJson = (snapshot: DataSnapshot) => ({
  id: snapshot.id,
  purpose: snapshot.purpose,
  takenAt: timeOf(snapshot.takenAt),
  sizeBytes: numberOf(snapshot.sizeBytes),
  expiresAt: timeOf(snapshot.expiresAt),
  runId: textOf(snapshot.runId),
  kind: textOf(snapshot.kind),
  build: snapshot.build || null,
  status: wordOf(RunStatus, snapshot.status),
  release: snapshot.release || null,
  servedBuild: snapshot.servedBuild || null,
})
export type DataSnapshotJson = ReturnType<typeof dataSnapshotJson>
