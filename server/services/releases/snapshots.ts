import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { type DataSnapshot, DataSnapshotSchema } from '../../../proto/gen/fairway/v1/releases_pb.js'
import type { AppContext } from '../../context.ts'
import { withTenant } from '../../db/tenancy.ts'
import type { Caller } from '../../governance/authorize.ts'
import { listReleaseRows } from '../../releases/release-rows.ts'
import { servedAt } from '../../releases/rollback.ts'
import { listSnapshots } from '../../releases/safety-snapshots.ts'
import { runStatuses, timestampOf } from '../messages.ts'
import { requireProject } from '../projects/projects.ts'
import { requireProduction } from './prepared-plan.ts'

/** The snapshots of production's data that are kept, newest first. Throws `project-not-found`, `no-production`. */
export async function listDataSnapshots(
  { db }: AppContext,
  caller: Caller,
  name: string,
): Promise<DataSnapshot[]> {
  return await withTenant(db, caller, async (tx) => {
    const project = await requireProject(tx, name)
    const { environment } = await requireProduction(tx, project)
    const releases = await listReleaseRows(tx, environment.id)
    return (await listSnapshots(tx, environment)).map((snapshot) =>
      create(DataSnapshotSchema, {
        id: snapshot.id,
        purpose: snapshot.purpose,
        takenAt: timestampFromDate(snapshot.takenAt),
        sizeBytes: BigInt(snapshot.sizeBytes),
        expiresAt: timestampOf(snapshot.expiresAt),
        runId: snapshot.runId ?? '',
        kind: snapshot.kind === 'build' ? 'deploy' : (snapshot.kind ?? ''),
        build: snapshot.build ?? 0,
        ...(snapshot.status && { status: runStatuses[snapshot.status] }),
        release: snapshot.release ?? 0,
        servedBuild: servedAt(releases, snapshot.createdAt)?.build_number ?? 0,
      }),
    )
  })
}
