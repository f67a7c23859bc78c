import { aboutBuild } from '../db/about-build.ts'
import type { RunKind, RunStatus } from '../db/tables/runs.ts'
import type { Tx } from '../db/tenancy.ts'
import { notFound } from '../errors.ts'

/** Production's data as they were right before a release began to change them, or as one that failed left them. */
export interface SafetySnapshot {
  readonly id: string
  readonly purpose: 'safety' | 'failed'
  /** By its host's clock. */
  readonly takenAt: Date
  /** By ours: what was served then is told by this. */
  readonly createdAt: Date
  readonly sizeBytes: number
  /** Until when it is kept; none: as long as the policy keeps releases' data. */
  readonly expiresAt: Date | null
  /** The run that took it, and how it ended. */
  readonly runId: string | null
  readonly kind: RunKind | null
  readonly status: RunStatus | null
  /** What that run was to release. */
  readonly build: number | null
  /** The release that came of it. */
  readonly release: number | null
}

/** Newest first. */
export async function listSnapshots(
  tx: Tx,
  environment: { readonly id: string; readonly host_id: string | null },
): Promise<SafetySnapshot[]> {
  const rows = await tx
    .selectFrom('snapshots')
    .innerJoin('cells', 'cells.id', 'snapshots.cell_id')
    .leftJoin('runs', 'runs.id', 'snapshots.run_id')
    .leftJoin('releases', 'releases.run_id', 'snapshots.run_id')
    .select(['snapshots.id', 'snapshots.purpose', 'snapshots.taken_at', 'snapshots.created_at'])
    .select(['snapshots.size_bytes', 'snapshots.expires_at', 'snapshots.run_id', 'runs.kind', 'runs.status'])
    .select(['releases.number as release', aboutBuild.as('build')])
    .where('cells.environment_id', '=', environment.id)
    .where('snapshots.host_id', 'is not distinct from', environment.host_id)
    .where('snapshots.purpose', 'in', ['safety', 'failed'])
    .where('snapshots.status', '=', 'ready')
    .where('snapshots.taken_at', 'is not', null)
    .orderBy('snapshots.created_at', 'desc')
    .execute()
  return rows.map((row) => ({
    id: row.id,
    purpose: row.purpose as SafetySnapshot['purpose'],
    takenAt: row.taken_at as Date,
    createdAt: row.created_at,
    sizeBytes: Number(row.size_bytes),
    expiresAt: row.expires_at,
    runId: row.run_id,
    kind: row.kind,
    status: row.status,
    build: row.build,
    release: row.release,
  }))
}

/**
 * By its id, or as much of it as tells it from the others; empty: the newest. Of those that can go back: what a failed update
 * left is for study. Throws `snapshot-not-found`.
 */
export function requireSafetySnapshot(
  snapshots: readonly SafetySnapshot[],
  wanted: string,
  project: string,
): SafetySnapshot {
  const safety = snapshots.filter(({ purpose }) => purpose === 'safety')
  const found =
    wanted === '' ? safety.slice(0, 1) : safety.filter(({ id }) => id.startsWith(wanted.toLowerCase()))
  const [only] = found
  if (only && found.length === 1) return only
  const hint = `List them with \`fairway snapshot list ${project}\`.`
  throw notFound('snapshot', wanted === '' ? 'to put back' : JSON.stringify(wanted), hint)
}
