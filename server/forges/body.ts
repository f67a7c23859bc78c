import { on } from 'node:events'
import type { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { createRoom, type FullRoom, type Place } from './room.ts'

/** GitHub caps payloads at 25 MB ("Webhook events and payloads"), whichever kind of megabyte that is; others send less. */
export const maxDeliveryBytes = 25 * 1024 * 1024

/** A body that brings less than this in each of two windows, one after the other, is not waited for. */
export const pace = { windowMs: 5_000, windowBytes: 5 * 256 * 1024 } as const

export type BodyFault = 'too-large' | 'cut-off' | 'busy' | 'slow'

const statusCodes = { 'too-large': 413, 'cut-off': 400, busy: 503, slow: 408 } as const

/** Why a body was not taken, with the status that says so. */
export class BodyError extends Error {
  override name = 'BodyError'
  readonly fault: BodyFault
  readonly statusCode: number
  readonly receivedBytes: number
  readonly declaredBytes: number | undefined
  constructor(fault: BodyFault, message: string, sizes: { received: number; declared: number | undefined }) {
    super(message)
    this.fault = fault
    this.statusCode = statusCodes[fault]
    this.receivedBytes = sizes.received
    this.declaredBytes = sizes.declared
  }
}

type Request = Pick<FastifyRequest, 'headers' | 'ip'>

export interface BodyReader {
  /** `look` sees each piece as it comes. Rejects with BodyError, and leaves the stream open for the answer. */
  read(request: Request, stream: Readable, look: (piece: Buffer) => void): Promise<Buffer>
  /** The request was answered, or its sender is gone: what came of its body is not held any more. */
  release(request: Request): void
}

/**
 * Reads bodies of deliveries whole: the signature is over all of it. Nobody is known yet, so what senders can make the
 * server hold is bounded (`room.ts`), and for how long: a body comes at a pace.
 */
export function createBodyReader(): BodyReader {
  const room = createRoom()
  const places = new WeakMap<Request, Place>()
  const read: BodyReader['read'] = async (request, stream, look) => {
    const header = request.headers['content-length']
    const declared = header === undefined ? undefined : Number(header)
    const body = createBytes()
    const fail = (fault: BodyFault, message: string) =>
      new BodyError(fault, message, { received: body.length(), declared })
    if (declared !== undefined && declared > maxDeliveryBytes) throw fail('too-large', tooLarge)
    const place = room.enter(request.ip)
    places.set(request, place)
    const watch = watchPace(body.length)
    try {
      for await (const piece of piecesOf(stream, watch.signal)) {
        const length = body.length() + piece.length
        if (length > maxDeliveryBytes) throw fail('too-large', tooLarge)
        const full = place.hold(length)
        if (full) throw fail('busy', busy[full])
        look(piece)
        body.add(piece)
      }
    } catch (error) {
      if (error instanceof BodyError) throw error
      if (watch.signal.aborted) throw fail('slow', tooSlow(body.length()))
      throw fail('cut-off', cutOff(body.length(), declared))
    } finally {
      watch.stop()
      stream.pause()
    }
    const isWhole = stream.readableEnded && (declared === undefined || declared === body.length())
    if (!isWhole) throw fail('cut-off', cutOff(body.length(), declared))
    return body.all()
  }
  return { read, release: (request) => places.get(request)?.leave() }
}

/** Unlike the stream's own iterator it ends when the signal says so, and the stream is still there for the answer. */
async function* piecesOf(stream: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const [piece] of on(stream, 'data', { close: ['end', 'close'], signal })) yield piece
}

/** Aborts the signal once what is received does not keep pace. */
function watchPace(received: () => number) {
  const controller = new AbortController()
  let before = 0
  let slowWindows = 0
  const timer = setInterval(() => {
    const now = received()
    slowWindows = now - before < pace.windowBytes ? slowWindows + 1 : 0
    before = now
    // The first one may have been ours: a server that was busy has not read yet what is there.
    if (slowWindows === 2) controller.abort()
  }, pace.windowMs)
  return { signal: controller.signal, stop: () => clearInterval(timer) }
}

/** One piece of memory that grows: of a list, a sender's tiny pieces would take many times their size. */
function createBytes() {
  let bytes = Buffer.alloc(0)
  let length = 0
  return {
    add(piece: Buffer) {
      if (length + piece.length > bytes.length) {
        const grown = Buffer.allocUnsafe(Math.max(length + piece.length, 2 * bytes.length))
        bytes.copy(grown, 0, 0, length)
        bytes = grown
      }
      piece.copy(bytes, length)
      length += piece.length
    },
    length: () => length,
    all: () => bytes.subarray(0, length),
  }
}

const tooLarge = `A delivery has at most ${maxDeliveryBytes} bytes.`
const busy: Readonly<Record<FullRoom, string>> = {
  all: 'The server is at many deliveries: deliver it again in a minute.',
  large: 'The server is at several large deliveries: deliver it again in a minute.',
  sender: 'As much as one address may send at a time is under way: deliver it again in a minute.',
}
const tooSlow = (received: number) =>
  `The body came too slowly: ${received} bytes so far, and less than ${pace.windowBytes} in ${pace.windowMs / 1_000} ` +
  'seconds: deliver it again.'
const cutOff = (received: number, declared: number | undefined) =>
  `The body ended after ${received} of ${declared ?? 'an unknown number of'} bytes: deliver it again.`
