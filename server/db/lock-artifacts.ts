import type { Tx } from './tenancy.ts'

/** Where the document is that a run's resolve made: in blob storage, by its hash. */
export interface LockArtifact {
  readonly sha256: string
  readonly sizeBytes: number
  readonly createdAt: Date
}

export const lockArtifactName = 'lock.json'

/** The lock of a run: of several attempts the last one's. Undefined when it did not resolve. */
export async function findLockArtifact(tx: Tx, runId: string): Promise<LockArtifact | undefined> {
  return await tx
    .selectFrom('artifacts')
    .select(['sha256', 'size_bytes as sizeBytes', 'created_at as createdAt'])
    .where('run_id', '=', runId)
    .where('name', '=', lockArtifactName)
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
}
