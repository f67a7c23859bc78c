import { Code, ConnectError, type Interceptor } from '@connectrpc/connect'
import type { AppContext } from '../../context.ts'
import { identityKey, requestIdKey } from '../caller.ts'

/** One line for each call: what, who, how it ended, how long it took. */
export function requestLog({ log }: AppContext): Interceptor {
  return (next) => async (request) => {
    const began = performance.now()
    const report = (error?: unknown) => {
      const identity = request.contextValues.get(identityKey)
      log.info(
        {
          rpc: `${request.service.typeName}/${request.method.name}`,
          requestId: request.contextValues.get(requestIdKey),
          organization: identity?.organization,
          actor: identity?.actor,
          code: error === undefined ? 'ok' : Code[ConnectError.from(error).code],
          durationMs: Math.round(performance.now() - began),
        },
        'call',
      )
    }
    try {
      const response = await next(request)
      if (response.stream) return { ...response, message: reportAtEnd(response.message, report) }
      report()
      return response
    } catch (error) {
      report(error)
      throw error
    }
  }
}

async function* reportAtEnd<T>(messages: AsyncIterable<T>, report: (error?: unknown) => void) {
  let failure: unknown
  try {
    yield* messages
  } catch (error) {
    failure = error
    throw error
  } finally {
    report(failure)
  }
}
