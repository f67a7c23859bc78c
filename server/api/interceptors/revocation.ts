import type { Interceptor } from '@connectrpc/connect'
import type { AppContext } from '../../context.ts'
import type { Identity } from '../../services/identity/authenticate.ts'
import { type TokenWatch, watchTokens } from '../../services/identity/token-watch.ts'
import { identityKey } from '../caller.ts'

/** Ends open streams when the token they were opened with ends. Comes after the authentication. */
export function revocation(context: AppContext): Interceptor {
  const tokens = watchTokens(context)
  return (next) => async (request) => {
    const response = await next(request)
    const identity = request.contextValues.get(identityKey)
    if (!response.stream || !identity) return response
    return { ...response, message: untilRevoked(tokens, identity, response.message) }
  }
}

/**
 * The messages while the token lives; then the reason is thrown, and a message that is waited for is not waited for
 * longer. The watch begins with the reading: what nobody reads needs none.
 */
async function* untilRevoked<T>(tokens: TokenWatch, identity: Identity, messages: AsyncIterable<T>) {
  const { signal, stop } = tokens.watch(identity)
  const iterator = messages[Symbol.asyncIterator]()
  // Not Promise.race: each would leave a reaction on a promise that lives as long as the stream.
  let interrupt: ((reason: unknown) => void) | undefined
  const onAbort = () => interrupt?.(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  const next = () =>
    new Promise<IteratorResult<T>>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      interrupt = reject
      iterator.next().then(resolve, reject)
    })
  try {
    for (let message = await next(); !message.done; message = await next()) yield message.value
  } finally {
    stop()
    signal.removeEventListener('abort', onAbort)
    // What the handler says now is of no interest to anybody.
    iterator.return?.()?.catch(() => undefined)
  }
}
