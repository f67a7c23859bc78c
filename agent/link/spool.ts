import type { DatabaseSync } from 'node:sqlite'
import { create, toBinary } from '@bufbuild/protobuf'
import { LogEntrySchema, LogsRequestSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { inTransaction, isDiskFault } from './state-database.ts'

export interface SpoolEntry {
  readonly unixMicros: bigint
  readonly source: string
  readonly text: string
}

export interface Position {
  readonly timestamp: string
  /** How many lines with that timestamp were read. */
  readonly lines: number
}

/** Part of a stream, encoded as the LogsRequest that is sent. */
export interface Batch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly encoded: Uint8Array
}

/**
 * Log lines on their way to a server, on disk until acknowledged. Sequences are gapless in each stream and begin
 * with 1. Lines gather in memory for `flushMs` (or 64 KiB) and go to disk together, with the position of the source
 * they were read from: a crash loses at most the unflushed ones, and their source is then read again from the
 * position before them. A stream over its limit, or a full disk, drops lines and says how many in a gap entry.
 */
export interface Spool {
  append(streamId: string, entry: SpoolEntry, position?: { key: string; timestamp: string }): void
  position(streamId: string, key: string): Position | undefined
  /** Everything appended is on disk when it returns true; false when the disk took nothing. */
  flush(): boolean
  /** Streams with batches on disk, and the sequence acknowledged so far. */
  listStreams(): { streamId: string; acknowledged: number }[]
  /** The first batch that ends after `sequence`. */
  findBatch(streamId: string, sequence: number): Batch | undefined
  /** Sequence of the last entry that was written; 0 when there is none. */
  lastSequence(streamId: string): number
  /** Deletes what is durable elsewhere. */
  acknowledge(streamId: string, sequence: number): void
  /** The server wants nothing of this stream: forget it and ignore what is still appended. */
  refuse(streamId: string): void
  /** The disk takes no writes now. Tasks wait at their next lease check until it does. */
  readonly full: boolean
  /** Called after each flush that wrote something. */
  onFlushed(listener: (streamIds: readonly string[]) => void): () => void
  close(): void
}

export interface SpoolOptions {
  /** Of unacknowledged bytes in one stream. */
  readonly limitBytes: number
  readonly flushMs?: number
  readonly nowMicros?: () => bigint
}

interface Stream {
  nextSequence: number
  acknowledged: number
  sizeBytes: number
  dropped: number
  /** Dropped after those in `pending`, because memory was full as well. */
  droppedLate: number
  /** Set from the overflow until a quarter of the limit is free again, so that gaps are few and long. */
  overflowing: boolean
  refused: boolean
  pending: SpoolEntry[]
  pendingBytes: number
  positions: Map<string, Position>
  movedPositions: Set<string>
}

const flushBytes = 65_536
/** Lines kept in memory for a stream while the disk refuses them. */
const memoryLimitBytes = 1_048_576
const retryMs = 500

export function createSpool(database: DatabaseSync, options: SpoolOptions): Spool {
  const { limitBytes, flushMs = 10, nowMicros = () => BigInt(Date.now()) * 1000n } = options
  const selectStream = database.prepare('select * from streams where stream_id = ?')
  const saveStream = database.prepare(
    `insert or replace into streams (stream_id, next_sequence, acknowledged, size_bytes, dropped, refused)
     values (?, ?, ?, ?, ?, ?)`,
  )
  const insertBatch = database.prepare('insert into batches values (?, ?, ?, ?)')
  const selectBatch = database.prepare(
    `select first_sequence, last_sequence, encoded from batches
     where stream_id = ? and last_sequence > ? order by first_sequence limit 1`,
  )
  const acknowledgedSize = database.prepare(
    'select coalesce(sum(length(encoded)), 0) as bytes from batches where stream_id = ? and last_sequence <= ?',
  )
  const deleteBatches = database.prepare('delete from batches where stream_id = ? and last_sequence <= ?')
  const selectWaiting = database.prepare('select distinct stream_id from batches')
  const selectOwing = database.prepare('select stream_id from streams where dropped > 0')
  const selectPosition = database.prepare(
    'select timestamp, lines from positions where stream_id = ? and key = ?',
  )
  const savePosition = database.prepare('insert or replace into positions values (?, ?, ?, ?)')

  const streams = new Map<string, Stream>()
  const touched = new Set<string>()
  const listeners = new Set<(streamIds: readonly string[]) => void>()
  let timer: NodeJS.Timeout | undefined
  let full = false

  const load = (streamId: string): Stream => {
    let stream = streams.get(streamId)
    if (stream) return stream
    const row = selectStream.get(streamId) as Record<string, number> | undefined
    stream = {
      nextSequence: row?.next_sequence ?? 1,
      acknowledged: row?.acknowledged ?? 0,
      sizeBytes: row?.size_bytes ?? 0,
      dropped: row?.dropped ?? 0,
      droppedLate: 0,
      overflowing: (row?.dropped ?? 0) > 0,
      refused: row?.refused === 1,
      pending: [],
      pendingBytes: 0,
      positions: new Map(),
      movedPositions: new Set(),
    }
    streams.set(streamId, stream)
    return stream
  }
  const save = (streamId: string, stream: Stream) =>
    saveStream.run(
      streamId,
      stream.nextSequence,
      stream.acknowledged,
      stream.sizeBytes,
      stream.dropped,
      stream.refused ? 1 : 0,
    )
  const schedule = (ms: number) => {
    timer ??= setTimeout(() => {
      timer = undefined
      flush()
    }, ms)
  }
  const positionOf = (streamId: string, stream: Stream, key: string): Position | undefined => {
    const known = stream.positions.get(key)
    if (known) return known
    const row = selectPosition.get(streamId, key) as unknown as Position | undefined
    if (row) stream.positions.set(key, row)
    return row
  }

  const gapEntry = (dropped: number) =>
    dropped > 0 ? [{ unixMicros: nowMicros(), source: 'fairway', gap: BigInt(dropped) }] : []

  /** Writes what a stream has pending; gives back how its counters change once the transaction is committed. */
  const writePending = (streamId: string, stream: Stream): (() => void) => {
    const roomy = stream.sizeBytes <= limitBytes * 0.75
    // An empty stream takes a batch of any size: nothing would be acknowledged that could make room for it.
    const over = stream.sizeBytes > 0 && stream.sizeBytes + stream.pendingBytes > limitBytes
    const overflowing = stream.overflowing ? !roomy : over
    let { nextSequence, sizeBytes, dropped } = stream
    const { pending, droppedLate } = stream
    if (overflowing) dropped += pending.length + droppedLate
    else if (pending.length + dropped + droppedLate > 0) {
      const parts = [...gapEntry(dropped), ...pending, ...gapEntry(droppedLate)]
      const entries = parts.map((entry) => create(LogEntrySchema, entry))
      const firstSequence = nextSequence
      nextSequence += entries.length
      dropped = 0
      const message = create(LogsRequestSchema, { streamId, firstSequence: BigInt(firstSequence), entries })
      const encoded = toBinary(LogsRequestSchema, message)
      sizeBytes += encoded.length
      insertBatch.run(streamId, firstSequence, nextSequence - 1, encoded)
    }
    for (const key of stream.movedPositions) {
      const { timestamp, lines } = stream.positions.get(key)!
      savePosition.run(streamId, key, timestamp, lines)
    }
    save(streamId, { ...stream, nextSequence, sizeBytes, dropped })
    return () => {
      Object.assign(stream, { nextSequence, sizeBytes, dropped, overflowing, droppedLate: 0 })
      Object.assign(stream, { pending: [], pendingBytes: 0 })
      stream.movedPositions.clear()
    }
  }

  const flush = (): boolean => {
    clearTimeout(timer)
    timer = undefined
    if (touched.size === 0) return !full
    const ids = [...touched]
    try {
      const commits = inTransaction(database, () => ids.map((id) => writePending(id, load(id))))
      for (const commit of commits) commit()
    } catch (error) {
      if (!isDiskFault(error)) throw error
      full = true
      schedule(retryMs)
      return false
    }
    full = false
    touched.clear()
    for (const listener of listeners) listener(ids)
    return true
  }

  for (const { stream_id: streamId } of selectOwing.all() as { stream_id: string }[]) {
    touched.add(streamId)
    schedule(flushMs)
  }

  return {
    append(streamId, entry, from) {
      const stream = load(streamId)
      if (stream.refused) return
      if (from) {
        const before = positionOf(streamId, stream, from.key)
        const lines = before?.timestamp === from.timestamp ? before.lines + 1 : 1
        stream.positions.set(from.key, { timestamp: from.timestamp, lines })
        stream.movedPositions.add(from.key)
      }
      if (full && stream.pendingBytes >= memoryLimitBytes) stream.droppedLate++
      else {
        stream.pending.push(entry)
        stream.pendingBytes += entry.text.length + 32
      }
      touched.add(streamId)
      if (stream.pendingBytes >= flushBytes && !full) flush()
      else schedule(full ? retryMs : flushMs)
    },
    position: (streamId, key) => positionOf(streamId, load(streamId), key),
    flush,
    listStreams: () =>
      (selectWaiting.all() as { stream_id: string }[]).map(({ stream_id: streamId }) => ({
        streamId,
        acknowledged: load(streamId).acknowledged,
      })),
    findBatch(streamId, sequence) {
      const row = selectBatch.get(streamId, sequence) as Record<string, unknown> | undefined
      if (!row) return undefined
      return {
        firstSequence: row.first_sequence as number,
        lastSequence: row.last_sequence as number,
        encoded: row.encoded as Uint8Array,
      }
    },
    lastSequence: (streamId) => load(streamId).nextSequence - 1,
    acknowledge(streamId, sequence) {
      const stream = load(streamId)
      if (sequence <= stream.acknowledged || sequence >= stream.nextSequence) return
      try {
        const { bytes } = acknowledgedSize.get(streamId, sequence) as { bytes: number }
        const after = { acknowledged: sequence, sizeBytes: stream.sizeBytes - bytes }
        inTransaction(database, () => {
          deleteBatches.run(streamId, sequence)
          save(streamId, { ...stream, ...after })
        })
        Object.assign(stream, after)
      } catch (error) {
        // Kept, and deleted with the next acknowledgement; sent again in vain at worst.
        if (!isDiskFault(error)) throw error
      }
      if (stream.dropped > 0) {
        touched.add(streamId)
        schedule(flushMs)
      }
    },
    refuse(streamId) {
      const stream = load(streamId)
      const empty = { refused: true, pending: [], pendingBytes: 0, sizeBytes: 0, dropped: 0, droppedLate: 0 }
      inTransaction(database, () => {
        deleteBatches.run(streamId, Number.MAX_SAFE_INTEGER)
        save(streamId, { ...stream, ...empty })
      })
      Object.assign(stream, empty)
      touched.delete(streamId)
    },
    get full() {
      return full
    },
    onFlushed(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close() {
      flush()
      clearTimeout(timer)
    },
  }
}
