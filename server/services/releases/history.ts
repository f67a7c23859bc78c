import { create } from '@bufbuild/protobuf'
import { type ReleaseEntry, ReleaseEntrySchema } from '../../../proto/gen/fairway/v1/releases_pb.js'
import type { AppContext } from '../../context.ts'
import { aboutBuild } from '../../db/about-build.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import type { Caller } from '../../governance/authorize.ts'
import { kindsThat, viewOf } from '../../operations/kinds.ts'
import { findProduction } from '../../releases/production.ts'
import { listReleaseRows } from '../../releases/release-rows.ts'
import { keepsData } from '../../releases/rollback.ts'
import { goesLive } from '../../runs/define.ts'
import { listLimit } from '../list-limit.ts'
import { resultOf, runStatuses, timestampOf } from '../messages.ts'
import { requireProject } from '../projects/projects.ts'
import { approvers } from '../reports/authorized-by.ts'

/** Of builds, promotions and rollbacks alike. */
const releaseView = [
  'digest',
  'downtimeMs',
  'updatedModules',
  'restored',
  'withData',
  'failedSnapshotId',
  'rehearsal',
  'rehearsalRunId',
] as const

/**
 * What went to production, newest first: builds of its branch, promotions and rollbacks that were let at it, and those
 * that ended before. Throws `project-not-found`.
 */
export async function listReleases(
  { db }: AppContext,
  caller: Caller,
  filter: { project: string; limit: number },
): Promise<ReleaseEntry[]> {
  return await withTenant(db, caller, async (tx) => {
    const project = await requireProject(tx, filter.project)
    const rows = await tx
      .selectFrom('runs')
      .leftJoin('releases', 'releases.run_id', 'runs.id')
      .leftJoin('approvals', (join) =>
        join.onRef('approvals.run_id', '=', 'runs.id').on('approvals.status', '=', 'used'),
      )
      .selectAll('runs')
      .select(['releases.number as release', 'releases.went_live_at'])
      .select(['releases.digest', 'releases.environment_id as released_in'])
      .select(['approvals.id as approval_id', 'approvals.broken_by', 'approvals.review_closed_at'])
      .select([approvers.as('approvers'), aboutBuild.as('build')])
      .where('runs.project_id', '=', project.id)
      .where('runs.stage', '=', 'production')
      .where('runs.kind', 'in', kindsThat(goesLive))
      .orderBy('runs.created_at', 'desc')
      .limit(listLimit(filter.limit))
      .execute()
    const production = await findProduction(tx, project.id)
    const live = production ? await listReleaseRows(tx, production.environment.id) : []
    const kept = new Set(live.filter((release) => keepsData(live, release)).map(({ run_id }) => run_id))
    const failed = await failedSnapshots(tx, project.id)
    return rows.map((row) => {
      const record = viewOf(row, releaseView)
      const studied = record.failedSnapshotId ? failed.get(record.failedSnapshotId) : undefined
      return create(ReleaseEntrySchema, {
        runId: row.id,
        kind: row.kind === 'build' ? 'deploy' : row.kind,
        status: runStatuses[row.status],
        result: resultOf(row.result),
        reason: row.reason,
        build: row.build ?? 0,
        commit: row.commit,
        digest: row.digest ?? record.digest ?? '',
        requestedBy: row.requested_by,
        approvedBy: row.approvers ?? [],
        startedAt: timestampOf(row.started_at),
        liveAt: timestampOf(row.went_live_at),
        finishedAt: timestampOf(row.finished_at),
        downtimeMs: BigInt(record.downtimeMs ?? 0),
        updatedModules: [...(record.updatedModules ?? [])],
        putBack: record.restored ?? false,
        withData: record.withData ?? false,
        current: row.release !== null && row.id === production?.deployment.runId,
        codeKept: row.release !== null,
        dataKept: kept.has(row.id),
        failedSnapshotId: studied ? (record.failedSnapshotId ?? '') : '',
        failedSnapshotUntil: timestampOf(studied),
        rehearsalRunId: record.rehearsal ? (record.rehearsalRunId ?? row.id) : '',
        manifestSha256: row.manifest_sha256,
        brokenBy: row.broken_by ?? '',
        reviewOpen: row.broken_by !== null && row.review_closed_at === null,
        approvalId: row.approval_id ?? '',
      })
    })
  })
}

/** Until when the data of failed updates are kept, of those that still are. */
async function failedSnapshots(tx: Tx, projectId: string): Promise<ReadonlyMap<string, Date>> {
  const rows = await tx
    .selectFrom('snapshots')
    .select(['id', 'expires_at'])
    .where('project_id', '=', projectId)
    .where('purpose', '=', 'failed')
    .where('status', '=', 'ready')
    .execute()
  return new Map(rows.flatMap(({ id, expires_at }) => (expires_at ? [[id, expires_at]] : [])))
}
