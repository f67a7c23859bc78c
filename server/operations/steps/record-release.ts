import type { Deployment } from '../../db/record.ts'
import type { Engine } from '../../runs/replay.ts'

/** What goes live in production, for those who may want to go back; in the transaction that says it is live. */
export async function recordRelease(
  { state: { tx, run, environment }, record }: Engine,
  deployment: Deployment,
): Promise<void> {
  const last = await tx
    .selectFrom('releases')
    .select('number')
    .where('environment_id', '=', environment.id)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  await tx
    .insertInto('releases')
    .values({
      organization_id: run.organization_id,
      project_id: run.project_id,
      environment_id: environment.id,
      run_id: run.id,
      number: (last?.number ?? 0) + 1,
      digest: deployment.digest,
      build_number: deployment.buildNumber,
      deployment: JSON.stringify(deployment),
      update_record: record.update ? JSON.stringify(record.update) : null,
      safety_snapshot_id: record.safetySnapshotId ?? null,
    })
    .execute()
}
