import { type ClientDuplexStream, Metadata } from '@grpc/grpc-js'
import type { LogsResponse } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { Logger } from '../logger.ts'
import type { Connection } from './connection.ts'
import { logsMethod } from './protocol.ts'
import type { Spool } from './spool.ts'

/**
 * Sends the spool to one server at a time, whichever is connected, and again from the acknowledged sequence after any
 * break. At most `creditBytes` are unacknowledged on the wire: the server's memory is bounded, and a stalled server
 * stalls nothing here but the spool.
 */
export interface LogSender {
  connected(connection: Connection): void
  closed(connection: Connection): void
  stop(): void
}

interface Cursor {
  /** Last sequence on the wire. */
  sent: number
  inFlight: { lastSequence: number; bytes: number }[]
}

const creditBytes = 1_048_576
/** Bytes without an acknowledgement for so long: try another stream. */
const stalledMs = 20_000

export function createLogSender(spool: Spool, log: Logger): LogSender {
  const connections = new Set<Connection>()
  let stream: ClientDuplexStream<Uint8Array, LogsResponse> | undefined
  let through: Connection | undefined
  let cursors = new Map<string, Cursor>()
  let waiting = new Set<string>()
  let inFlightBytes = 0
  let stalled: NodeJS.Timeout | undefined

  const watch = () => {
    clearTimeout(stalled)
    stalled = inFlightBytes > 0 ? setTimeout(() => stream?.cancel(), stalledMs) : undefined
  }
  const pump = () => {
    if (!stream) return
    for (const streamId of waiting) {
      const cursor = cursors.get(streamId) ?? { sent: 0, inFlight: [] }
      cursors.set(streamId, cursor)
      while (inFlightBytes < creditBytes) {
        const batch = spool.findBatch(streamId, cursor.sent)
        if (!batch) {
          waiting.delete(streamId)
          break
        }
        stream.write(batch.encoded)
        cursor.sent = batch.lastSequence
        cursor.inFlight.push({ lastSequence: batch.lastSequence, bytes: batch.encoded.length })
        inFlightBytes += batch.encoded.length
      }
      if (inFlightBytes >= creditBytes) {
        // Its turn comes again after the others.
        waiting.delete(streamId)
        waiting.add(streamId)
        break
      }
    }
    if (!stalled) watch()
  }
  const settle = (streamId: string, sequence: number) => {
    const cursor = cursors.get(streamId)
    for (
      let first = cursor?.inFlight[0];
      first && first.lastSequence <= sequence;
      first = cursor?.inFlight[0]
    ) {
      cursor?.inFlight.shift()
      inFlightBytes -= first.bytes
    }
  }
  const onResponse = ({ streamId, acknowledgedSequence, refused, reason }: LogsResponse) => {
    if (refused) {
      log.warn({ stream: streamId, reason }, 'the server wants no more lines of a log stream')
      settle(streamId, Number.MAX_SAFE_INTEGER)
      spool.refuse(streamId)
    } else {
      spool.acknowledge(streamId, Number(acknowledgedSequence))
      settle(streamId, Number(acknowledgedSequence))
    }
    watch()
    pump()
  }
  const open = () => {
    const next = connections.values().next().value
    if (stream || !next) return
    const opened: ClientDuplexStream<Uint8Array, LogsResponse> = next.client.makeBidiStreamRequest(
      logsMethod.path,
      logsMethod.serialize,
      logsMethod.deserialize,
      new Metadata(),
    )
    stream = opened
    through = next
    cursors = new Map()
    inFlightBytes = 0
    waiting = new Set(spool.listStreams().map(({ streamId }) => streamId))
    opened.on('data', onResponse)
    // The status event that follows says what happened.
    opened.on('error', () => {})
    opened.on('status', ({ code, details }) => {
      if (stream !== opened) return
      log.info({ server: next.address, code, details }, 'log stream closed')
      stream = undefined
      clearTimeout(stalled)
      stalled = undefined
      // The other servers first, this one again after a pause while its control stream stands.
      if (connections.delete(next)) {
        setTimeout(() => {
          if (through === next && live.has(next)) connections.add(next)
          open()
        }, 1_000).unref()
      }
      open()
    })
    pump()
  }
  /** Connections whose control stream stands, resting or not. */
  const live = new Set<Connection>()
  const unsubscribe = spool.onFlushed((ids) => {
    for (const id of ids) waiting.add(id)
    pump()
  })
  return {
    connected(connection) {
      live.add(connection)
      connections.add(connection)
      open()
    },
    closed(connection) {
      live.delete(connection)
      connections.delete(connection)
      if (through === connection) stream?.cancel()
    },
    stop() {
      unsubscribe()
      clearTimeout(stalled)
      live.clear()
      connections.clear()
      stream?.cancel()
      stream = undefined
    },
  }
}
