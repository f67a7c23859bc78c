import { encodeLogChunk, type StoredLine } from '../blobs/log-chunk.ts'
import type { AppContext } from '../context.ts'
import { notify } from '../db/signals.ts'
import { type Operation, withTenant } from '../db/tenancy.ts'

export type Appended =
  /** Durable up to there: by this call, or by another server meanwhile. */
  { readonly acknowledged: number } | { readonly refused: string }

/**
 * Makes lines durable: the chunk as a blob, then its index row and the stream's sequence in one transaction with the
 * stream locked. When another server was faster nothing is written, and the answer says how far that one came.
 */
export async function appendSegment(
  { db, blobs }: Pick<AppContext, 'db' | 'blobs'>,
  op: Operation,
  streamId: string,
  /** The lines follow this sequence. */
  after: number,
  lines: readonly StoredLine[],
): Promise<Appended> {
  const first = lines[0]
  const last = lines.at(-1)
  if (!first || !last) throw new Error('A segment holds at least one line')
  const { sha256, sizeBytes } = await blobs.put(await encodeLogChunk(lines))
  return await withTenant(db, op, async (tx) => {
    const stream = await tx
      .selectFrom('log_streams')
      .select(['last_sequence', 'closed'])
      .where('id', '=', streamId)
      .forUpdate()
      .executeTakeFirst()
    if (!stream || stream.closed) return { refused: stream ? 'stale-epoch' : 'unknown-stream' }
    if (stream.last_sequence !== after) return { acknowledged: stream.last_sequence }
    await tx
      .insertInto('log_segments')
      .values({
        organization_id: op.organizationId,
        stream_id: streamId,
        first_sequence: after + 1,
        last_sequence: last.sequence,
        first_time: timeOf(first),
        last_time: timeOf(last),
        sha256,
        size_bytes: sizeBytes,
        gaps: JSON.stringify(gapsIn(lines)),
      })
      .execute()
    await tx
      .updateTable('log_streams')
      .set({ last_sequence: last.sequence })
      .where('id', '=', streamId)
      .execute()
    await notify(tx, { kind: 'log', id: streamId })
    return { acknowledged: last.sequence }
  })
}

const timeOf = ({ unixMicros }: StoredLine) => new Date(unixMicros / 1_000)

const gapsIn = (lines: readonly StoredLine[]) =>
  lines.filter(({ gap }) => gap > 0).map(({ sequence, gap }) => ({ sequence, lines: gap }))
