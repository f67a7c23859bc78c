import type { BlobStore } from '../../blobs/store.ts'
import { findLockArtifact } from '../../db/lock-artifacts.ts'
import type { Engine } from '../../runs/replay.ts'
import { TaskFailed } from '../../runs/types.ts'
import { inputOfAny } from '../kinds.ts'

/** What an agent may hand in as a document, and so what a lock can have. */
const maxLockBytes = 1024 * 1024

/** The document whose pins hold for the run, as its input says; empty: none. */
export async function lockToKeep({ state: { tx, run } }: Engine, blobs: BlobStore): Promise<string> {
  const { lockRunId } = inputOfAny(run)
  const artifact = lockRunId && (await findLockArtifact(tx, lockRunId))
  if (!artifact) return ''
  if (artifact.sizeBytes > maxLockBytes) {
    throw new TaskFailed(
      'lock-too-large',
      `the lock of the build that this one repeats has ${artifact.sizeBytes} bytes; ${maxLockBytes} is the most: build the branch anew`,
    )
  }
  return (await blobs.get(artifact.sha256)).toString('utf8')
}
