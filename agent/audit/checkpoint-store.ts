import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { writeWhole } from '../write-whole.ts'

/** The newest checkpoint of the organization's audit log that this host took, and the one it refused since, if any. */
export interface KeptCheckpoint {
  /** Pinned: `name+hash+key`. */
  readonly verifierKey: string
  readonly note: string
  /** RFC 3339 */
  readonly takenAt: string
  readonly refused?: { readonly note: string; readonly reason: string; readonly at: string }
}

const stored = z.object({
  verifierKey: z.string(),
  note: z.string(),
  takenAt: z.string(),
  refused: z.object({ note: z.string(), reason: z.string(), at: z.string() }).optional(),
})

export interface CheckpointStore {
  /** Read from disk each time: a person may have made the agent forget it. */
  read(): KeptCheckpoint | undefined
  /** All or nothing. */
  write(kept: KeptCheckpoint): void
  forget(): void
}

/** One file beside the identity, so that `fairway-agent checkpoint` can show it while the agent runs. */
export function createCheckpointStore(directory: string): CheckpointStore {
  const path = join(directory, 'checkpoint.json')
  return {
    read() {
      try {
        return stored.parse(JSON.parse(readFileSync(path, 'utf8')))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw new Error(`${path} is damaged: keep a copy, then run fairway-agent checkpoint --forget`, {
          cause: error,
        })
      }
    },
    write: (kept) => writeWhole(path, `${JSON.stringify(kept, null, 2)}\n`),
    forget: () => rmSync(path, { force: true }),
  }
}
