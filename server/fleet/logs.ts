import { create } from '@bufbuild/protobuf'
import type { ServerDuplexStream } from '@grpc/grpc-js'
import {
  type LogsRequest,
  LogsRequestSchema,
  type LogsResponse,
  LogsResponseSchema,
} from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { AppContext } from '../context.ts'
import { type Operation, operation, withTenant } from '../db/tenancy.ts'
import { authenticate, isUuid, type Peer } from './authenticate.ts'
import { createLogBuffer, type LogBuffer } from './log-buffer.ts'
import { appendSegment } from './log-segments.ts'
import type { Streams } from './streams.ts'
import { decode, statusOf } from './wire.ts'

const flushMs = 250
const flushBytes = 262_144
/** Of lines in one segment before compression; readers refuse chunks above 8 MiB. */
const segmentBytes = 1_048_576
/** Buffered for one agent; beyond it the stream is not read until some of it is durable. */
const bufferLimitBytes = 4 * 1_048_576
const retryMs = 1_000

interface OpenStream {
  readonly op: Operation
  readonly buffer: LogBuffer
  flushing: boolean
  timer: NodeJS.Timeout | undefined
}

type Context = Pick<AppContext, 'db' | 'blobs' | 'log'>

/**
 * Takes one agent's log lines. Acknowledges a sequence only once it is durable; refuses streams that are unknown,
 * another host's, or of a stale epoch. While the database is away it keeps what it has, reads no more, and tries
 * again; the rest waits in the agent's spool.
 */
export function handleLogs(
  context: Context,
  open: Streams,
  call: ServerDuplexStream<Buffer, LogsResponse>,
): void {
  const { log } = context
  const streams = new Map<string, OpenStream | 'refused'>()
  let handling: Promise<void> = Promise.resolve()
  let peer: Peer | undefined
  let forget = () => {}
  let waitingBytes = 0
  let ended = false

  const respond = (
    response: Partial<Pick<LogsResponse, 'streamId' | 'acknowledgedSequence' | 'refused' | 'reason'>>,
  ) => {
    if (!ended) call.write(create(LogsResponseSchema, response))
  }
  const refuse = (streamId: string, reason: string) => {
    const stream = streams.get(streamId)
    if (stream && stream !== 'refused') clearTimeout(stream.timer)
    streams.set(streamId, 'refused')
    respond({ streamId, refused: true, reason })
  }
  const throttle = () => {
    const buffered = [...streams.values()].reduce(
      (sum, stream) => sum + (stream === 'refused' ? 0 : stream.buffer.sizeBytes),
      waitingBytes,
    )
    if (buffered > bufferLimitBytes) call.pause()
    else if (call.isPaused()) call.resume()
  }
  const flush = async (streamId: string, stream: OpenStream) => {
    clearTimeout(stream.timer)
    stream.timer = undefined
    if (stream.flushing || ended) return
    stream.flushing = true
    try {
      for (
        let lines = stream.buffer.peek(segmentBytes);
        lines.length > 0;
        lines = stream.buffer.peek(segmentBytes)
      ) {
        const appended = await appendSegment(
          context,
          stream.op,
          streamId,
          stream.buffer.durableSequence,
          lines,
        )
        if ('refused' in appended) return refuse(streamId, appended.refused)
        stream.buffer.drop(appended.acknowledged)
        respond({ streamId, acknowledgedSequence: BigInt(appended.acknowledged) })
        if (stream.buffer.sizeBytes < flushBytes) break
      }
      if (stream.buffer.sizeBytes > 0) schedule(streamId, stream, flushMs)
    } catch (error) {
      log.warn({ err: error, stream: streamId }, 'log lines could not be kept yet')
      schedule(streamId, stream, retryMs)
    } finally {
      stream.flushing = false
      throttle()
    }
  }
  const schedule = (streamId: string, stream: OpenStream, ms: number) => {
    if (!ended) stream.timer ??= setTimeout(() => flush(streamId, stream), ms)
  }
  const receive = async (bytes: Buffer) => {
    if (ended) return
    peer ??= await enter()
    const request: LogsRequest = decode(LogsRequestSchema, bytes)
    const { streamId } = request
    const known = streams.get(streamId) ?? (await openStream(context, peer, streamId))
    if (typeof known === 'string') {
      if (known !== 'refused') refuse(streamId, known)
      return
    }
    streams.set(streamId, known)
    const before = known.buffer.nextSequence
    known.buffer.add(Number(request.firstSequence), request.entries)
    if (known.buffer.nextSequence === before) {
      // All of it was here before: what is durable of the stream is told again.
      const durable = known.buffer.nextSequence - 1
      if (known.buffer.sizeBytes === 0) respond({ streamId, acknowledgedSequence: BigInt(durable) })
    } else if (known.buffer.sizeBytes >= flushBytes) flush(streamId, known)
    else schedule(streamId, known, flushMs)
  }
  const enter = async () => {
    const caller = await authenticate(context, call)
    forget = open.add({ peer: caller, end })
    if (ended) forget()
    return caller
  }
  const leave = () => {
    ended = true
    forget()
    for (const stream of streams.values()) if (stream !== 'refused') clearTimeout(stream.timer)
    streams.clear()
  }
  const end = (error: unknown) => {
    if (ended) return
    leave()
    log.info({ err: error, host: peer?.hostId }, 'log stream ended')
    call.emit('error', statusOf(error))
  }
  call.on('data', (bytes: Buffer) => {
    waitingBytes += bytes.length
    throttle()
    handling = handling
      .then(() => receive(bytes))
      .catch(end)
      .finally(() => {
        waitingBytes -= bytes.length
        throttle()
      })
  })
  call.on('end', () => {
    leave()
    call.end()
  })
  call.on('cancelled', leave)
  call.on('close', leave)
}

/** The stream as this host may write it, or why not. */
async function openStream({ db }: Context, peer: Peer, streamId: string): Promise<OpenStream | string> {
  const unknown = 'unknown-stream'
  if (!isUuid(streamId)) return unknown
  const owner = await db.scheduler
    .selectFrom('log_streams')
    .select(['organization_id', 'host_id'])
    .where('id', '=', streamId)
    .executeTakeFirst()
  if (owner?.organization_id !== peer.organizationId || owner.host_id !== peer.hostId) return unknown
  const op = operation(peer.organizationId, `host:${peer.hostId}`)
  const stream = await withTenant(db, op, (tx) =>
    tx
      .selectFrom('log_streams')
      .select(['last_sequence', 'closed'])
      .where('id', '=', streamId)
      .executeTakeFirst(),
  )
  if (!stream) return unknown
  if (stream.closed) return 'stale-epoch'
  return { op, buffer: createLogBuffer(stream.last_sequence), flushing: false, timer: undefined }
}
