import { sql } from 'kysely'
import { CheckpointRefused } from '../../blobs/checkpoints.ts'
import type { AppContext } from '../../context.ts'
import { operation, type Tx, withTenant } from '../../db/tenancy.ts'
import { findNewestCheckpoint } from './checkpoints.ts'
import { recordWitness } from './witnesses.ts'

/** First key of the advisory locks under which an organization's checkpoints go to blob storage. */
const publishLock = 7_236_113

/** Leaf hashes that one round brings: 3 MiB. */
const batch = 100_000

/**
 * Brings the log of checkpoints in blob storage up to the newest checkpoint, however far it is behind; a refusal is
 * recorded. Level-triggered: does nothing where nothing is missing.
 */
export async function publishCheckpoint(
  context: Pick<AppContext, 'db' | 'blobs' | 'log'>,
  organizationId: string,
): Promise<void> {
  const op = operation(organizationId, 'sequencer')
  const { checkpoints } = context.blobs
  const said = await withTenant(context.db, op, async (tx) => {
    await sql`select pg_advisory_xact_lock(${publishLock}, hashtext(${organizationId}))`.execute(tx)
    const newest = await findNewestCheckpoint(tx)
    if (!newest) return undefined
    const kept = (await checkpoints.findNewest(organizationId))?.size ?? 0
    try {
      await checkpoints.append(organizationId, newest, await readLeafHashes(tx, kept, newest.size))
      return { size: newest.size, refusal: '' }
    } catch (error) {
      if (!(error instanceof CheckpointRefused)) throw error
      return { size: kept, refusal: error.message }
    }
  })
  if (said) await recordWitness(context, op, { name: 'blobs', ...said })
}

async function readLeafHashes(tx: Tx, from: number, to: number): Promise<Buffer[]> {
  const hashes: Buffer[] = []
  for (let start = from; start < to; start += batch) {
    const rows = await tx
      .selectFrom('audit_leaves')
      .select('leaf_hash')
      .where('index', '>=', start)
      .where('index', '<', Math.min(to, start + batch))
      .orderBy('index')
      .execute()
    hashes.push(...rows.map((row) => row.leaf_hash))
  }
  return hashes
}
