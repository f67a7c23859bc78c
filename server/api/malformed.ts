import type { ConnectRouter } from '@connectrpc/connect'
import type { UniversalServerResponse } from '@connectrpc/connect/protocol'

/**
 * Connect blames itself (Internal) for request bytes that are no message of the method's type. It is the caller's
 * fault: the handlers of the router answer InvalidArgument, for unary and streaming methods alike.
 */
export function blameCallerForMalformedMessages(router: ConnectRouter): void {
  for (const [index, handler] of router.handlers.entries()) {
    const corrected = async (...request: Parameters<typeof handler>) => correct(await handler(...request))
    router.handlers[index] = Object.assign(corrected, handler)
  }
}

const wrong = '"code":"internal","message":"parse binary: '
const right = '"code":"invalid_argument","message":"parse binary: '
const endOfStream = 0x02
const envelopeBytes = 5

async function correct(response: UniversalServerResponse): Promise<UniversalServerResponse> {
  const { body, header, status } = response
  if (!body) return response
  const unary = status === 500
  const chunks = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  if (unary) {
    const first = await chunks.next()
    const text = first.done ? '' : Buffer.from(first.value).toString('utf8')
    if (!text.includes(wrong)) return { ...response, body: from(first, chunks) }
    const bytes = Buffer.from(text.replace(wrong, right))
    header?.set('content-length', String(bytes.length))
    return { ...response, status: 400, body: from({ value: bytes, done: false }, chunks) }
  }
  return { ...response, body: correctStream(chunks) }
}

async function* from(first: IteratorResult<Uint8Array>, rest: AsyncIterator<Uint8Array>) {
  try {
    for (let next = first; !next.done; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}

/** The fault is the stream's only frame then: an end-of-stream one, which no message is. */
async function* correctStream(chunks: AsyncIterator<Uint8Array>) {
  const first = await chunks.next()
  if (!first.done && first.value[0] === endOfStream) {
    const text = Buffer.from(first.value.subarray(envelopeBytes)).toString('utf8')
    const json = Buffer.from(text.replace(wrong, right))
    const head = Buffer.alloc(envelopeBytes)
    head[0] = endOfStream
    head.writeUInt32BE(json.length, 1)
    first.value = Buffer.concat([head, json])
  }
  yield* from(first, chunks)
}
