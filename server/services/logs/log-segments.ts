import type { ExpressionBuilder } from 'kysely'
import { decodeLogChunk, type StoredLine } from '../../blobs/log-chunk.ts'
import type { AppContext } from '../../context.ts'
import type { Schema } from '../../db/schema.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import type { Caller } from '../../governance/authorize.ts'

/** Whose lines: all tasks of a run, or the runtimes of an environment. */
export interface LogSubject {
  readonly runId?: string
  /** The log of the Odoo that the run started in vain: it is in no other run's, and nobody else will look for it. */
  readonly runtimeStreamId?: string
  readonly environmentId?: string
}

export interface LogFilter {
  /** Step of the run, or `runtime`; empty: all. */
  readonly step: string
  readonly since?: Date
}

export interface Line extends StoredLine {
  readonly step: string
}

interface Segment {
  readonly stream_id: string
  readonly step: string
  readonly first_sequence: number
  readonly last_sequence: number
  readonly sha256: string
}

/** What was read of each stream: the last sequence. Lives as long as one reader. */
export type Cursor = Map<string, number>

/**
 * Durable lines beyond the cursor, a chunk at a time, in the order (stream's creation, sequence); moves the cursor.
 * Holds one chunk in memory and no transaction while its consumer is busy.
 */
export async function* readNew(
  context: AppContext,
  caller: Caller,
  subject: LogSubject,
  filter: LogFilter,
  cursor: Cursor,
): AsyncGenerator<Line[]> {
  const segments = await withTenant(context.db, caller, (tx) => newSegments(tx, subject, filter, cursor))
  for (const segment of segments) {
    const lines = await readSegment(context, segment, filter, cursor.get(segment.stream_id) ?? 0)
    cursor.set(segment.stream_id, Math.max(segment.last_sequence, cursor.get(segment.stream_id) ?? 0))
    if (lines.length > 0) yield lines
  }
}

/** The last `count` lines in the same order; the cursor is moved to the end. */
export async function readTail(
  context: AppContext,
  caller: Caller,
  subject: LogSubject,
  filter: LogFilter,
  count: number,
  cursor: Cursor,
): Promise<Line[]> {
  const segments = await withTenant(context.db, caller, (tx) => newSegments(tx, subject, filter, cursor))
  const chunks: Line[][] = []
  let found = 0
  for (const segment of segments.toReversed()) {
    cursor.set(segment.stream_id, Math.max(segment.last_sequence, cursor.get(segment.stream_id) ?? 0))
    if (found >= count) continue
    const lines = await readSegment(context, segment, filter, 0)
    chunks.unshift(lines)
    found += lines.length
  }
  return chunks.flat().slice(-count)
}

async function readSegment(
  { blobs }: AppContext,
  segment: Segment,
  { since }: LogFilter,
  after: number,
): Promise<Line[]> {
  const sinceMicros = since ? since.getTime() * 1_000 : 0
  const lines = await decodeLogChunk(await blobs.get(segment.sha256))
  return lines
    .filter((line) => line.sequence > after && line.unixMicros >= sinceMicros)
    .map((line) => ({ ...line, step: segment.step }))
}

async function newSegments(
  tx: Tx,
  subject: LogSubject,
  { step, since }: LogFilter,
  cursor: Cursor,
): Promise<Segment[]> {
  let query = tx
    .selectFrom('log_segments')
    .innerJoin('log_streams', 'log_streams.id', 'log_segments.stream_id')
    .select(['stream_id', 'step', 'first_sequence', 'log_segments.last_sequence', 'sha256'])
    .orderBy('log_streams.created_at')
    .orderBy('log_streams.id')
    .orderBy('first_sequence')
  query = query.where(isOf(subject))
  if (step) query = query.where('log_streams.step', '=', step)
  if (since) query = query.where('log_segments.last_time', '>=', since)
  if (cursor.size > 0) {
    // Only what is beyond the cursor crosses the wire; a long log is not listed again at each poll.
    query = query.where((eb) =>
      eb.or([
        eb('stream_id', 'not in', [...cursor.keys()]),
        ...[...cursor].map(([id, sequence]) =>
          eb.and([eb('stream_id', '=', id), eb('log_segments.last_sequence', '>', sequence)]),
        ),
      ]),
    )
  }
  return await query.execute()
}

/** Ids of the subject's streams. */
export async function streamIds(tx: Tx, subject: LogSubject): Promise<string[]> {
  const rows = await tx.selectFrom('log_streams').select('id').where(isOf(subject)).execute()
  return rows.map((row) => row.id)
}

const isOf =
  ({ runId, runtimeStreamId, environmentId }: LogSubject) =>
  (eb: ExpressionBuilder<Schema, 'log_streams'>) =>
    runId
      ? eb.or([eb('log_streams.run_id', '=', runId), eb('log_streams.id', '=', runtimeStreamId ?? null)])
      : eb('log_streams.environment_id', '=', environmentId ?? null)
