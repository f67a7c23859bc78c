import type { Deployment, UpdateRecord } from '../db/record.ts'
import type { Tx } from '../db/tenancy.ts'
import { inputOfAny } from '../operations/kinds.ts'
import { readUpdate } from './update-record.ts'

/** Something that went live in an environment. */
export interface ReleaseRow {
  readonly id: string
  readonly number: number
  readonly run_id: string
  readonly digest: string
  readonly build_number: number
  readonly went_live_at: Date
  readonly deployment: Deployment
  readonly update: UpdateRecord | null
  /** Whether it took production's data back. */
  readonly withData: boolean
  /** A rollback: the release that it went back to. */
  readonly backTo: string | undefined
  readonly snapshot:
    | { readonly id: string; readonly kept: boolean; readonly takenAt: Date | null }
    | undefined
}

/** What went live in an environment, newest first. */
export async function listReleaseRows(tx: Tx, environmentId: string): Promise<ReleaseRow[]> {
  const rows = await tx
    .selectFrom('releases')
    .innerJoin('runs', 'runs.id', 'releases.run_id')
    .leftJoin('snapshots', 'snapshots.id', 'releases.safety_snapshot_id')
    .select(['releases.id', 'releases.number', 'releases.run_id', 'releases.digest', 'releases.build_number'])
    .select(['releases.went_live_at', 'releases.deployment', 'releases.update_record', 'runs.input'])
    .select(['snapshots.id as snapshot_id', 'snapshots.status as snapshot_status', 'snapshots.taken_at'])
    .where('releases.environment_id', '=', environmentId)
    .orderBy('releases.number', 'desc')
    .execute()
  return rows.map((row) => ({
    ...row,
    deployment: row.deployment as Deployment,
    update: readUpdate(row),
    withData: inputOfAny(row).withData ?? false,
    backTo: inputOfAny(row).releaseId,
    snapshot: row.snapshot_id
      ? { id: row.snapshot_id, kept: row.snapshot_status === 'ready', takenAt: row.taken_at }
      : undefined,
  }))
}
