import { type Client, type ClientUnaryCall, Metadata } from '@grpc/grpc-js'

interface Method<I, O> {
  readonly path: string
  serialize(message: I): Buffer
  deserialize(bytes: Buffer): O
}

/** One unary call; rejects with grpc-js' ServiceError, CANCELLED when the signal is aborted. */
export function callUnary<I, O>(
  client: Client,
  method: Method<I, O>,
  request: I,
  options: { deadlineMs: number; signal?: AbortSignal },
): Promise<O> {
  return new Promise((resolve, reject) => {
    options.signal?.throwIfAborted()
    const call: ClientUnaryCall = client.makeUnaryRequest(
      method.path,
      (message: I) => method.serialize(message),
      (bytes: Buffer) => method.deserialize(bytes),
      request,
      new Metadata(),
      { deadline: Date.now() + options.deadlineMs },
      (error, response) => {
        options.signal?.removeEventListener('abort', cancel)
        if (error) reject(error)
        else if (response === undefined) reject(new Error(`${method.path} answered nothing`))
        else resolve(response)
      },
    )
    const cancel = () => call.cancel()
    options.signal?.addEventListener('abort', cancel, { once: true })
  })
}
