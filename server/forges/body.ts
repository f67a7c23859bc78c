import type { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'

/** GitHub caps payloads at 25 MB ("Webhook events and payloads"), whichever kind of megabyte that is; others send less. */
export const maxDeliveryBytes = 25 * 1024 * 1024
/** Of each body: taken in any case. Most deliveries have a tenth of it. */
const freeBytes = 1024 * 1024
/** Of all bodies at one time, beyond those. Reading, checking and parsing one takes a few times its size. */
const maxHeldBytes = 3 * maxDeliveryBytes

export type BodyFault = 'too-large' | 'cut-off' | 'busy'

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
    this.statusCode = { 'too-large': 413, 'cut-off': 400, busy: 503 }[fault]
    this.receivedBytes = sizes.received
    this.declaredBytes = sizes.declared
  }
}

export interface BodyReader {
  /** `look` sees each piece as it comes. Rejects with BodyError. */
  read(request: FastifyRequest, stream: Readable, look: (chunk: Buffer) => void): Promise<Buffer>
  /** The request was answered, or its sender is gone: what came of its body is not held any more. */
  release(request: FastifyRequest): void
}

/**
 * Reads bodies of deliveries whole: the signature is over all of it. What all senders together can make the server hold is
 * bounded, since nobody is known yet.
 */
export function createBodyReader(): BodyReader {
  const heldBy = new WeakMap<FastifyRequest, number>()
  let heldBytes = 0
  const hold = (request: FastifyRequest, bytes: number) => {
    heldBytes += bytes - (heldBy.get(request) ?? 0)
    heldBy.set(request, bytes)
  }
  const read: BodyReader['read'] = async (request, stream, look) => {
    const header = request.headers['content-length']
    const declared = header === undefined ? undefined : Number(header)
    const chunks: Buffer[] = []
    let received = 0
    const fail = (fault: BodyFault, message: string) => new BodyError(fault, message, { received, declared })
    if (declared !== undefined && declared > maxDeliveryBytes) throw fail('too-large', tooLarge)
    try {
      // What is refused half-way is still answered: the stream stays.
      for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
        received += chunk.length
        if (received > maxDeliveryBytes) throw fail('too-large', tooLarge)
        if (received > freeBytes) hold(request, received - freeBytes)
        if (heldBytes > maxHeldBytes) throw fail('busy', busy)
        look(chunk)
        chunks.push(chunk)
      }
    } catch (error) {
      if (error instanceof BodyError) throw error
      throw fail('cut-off', cutOff(received, declared))
    }
    if (declared !== undefined && received !== declared) throw fail('cut-off', cutOff(received, declared))
    return Buffer.concat(chunks, received)
  }
  return { read, release: (request) => hold(request, 0) }
}

const tooLarge = `A delivery has at most ${maxDeliveryBytes} bytes.`
const busy = 'The server is at several large deliveries: deliver it again in a minute.'
const cutOff = (received: number, declared: number | undefined) =>
  `The body ended after ${received} of ${declared ?? 'an unknown number of'} bytes: deliver it again.`
