import { Code, ConnectError, type Interceptor } from '@connectrpc/connect'
import type { AppContext } from '../../context.ts'
import { DomainError, type ErrorKind } from '../../errors.ts'
import { outageOf } from '../../services/outage.ts'
import { refusedTextOf } from '../../services/refused-text.ts'
import { requestIdKey } from '../caller.ts'

const codes: Record<ErrorKind, Code> = {
  invalid: Code.InvalidArgument,
  'not-found': Code.NotFound,
  'wrong-state': Code.FailedPrecondition,
  duplicate: Code.AlreadyExists,
  unauthenticated: Code.Unauthenticated,
  forbidden: Code.PermissionDenied,
  'lost-lease': Code.Aborted,
  changed: Code.Aborted,
  unavailable: Code.Unavailable,
  limit: Code.ResourceExhausted,
}

/**
 * Failures as Connect errors, in one place. Their metadata: `fairway-reason`, stable and for programs, and
 * `fairway-request-id`. What is no DomainError is a bug: the caller sees the request id, the log has the cause.
 */
export function errors({ log }: AppContext): Interceptor {
  return (next) => async (request) => {
    const requestId = request.contextValues.get(requestIdKey)
    const convert = (error: unknown) => toConnectError(error, requestId, log)
    try {
      const response = await next(request)
      if (!response.stream) return response
      return { ...response, message: convertErrors(response.message, convert) }
    } catch (error) {
      throw convert(error)
    }
  }
}

async function* convertErrors<T>(messages: AsyncIterable<T>, convert: (error: unknown) => ConnectError) {
  try {
    yield* messages
  } catch (error) {
    throw convert(error)
  }
}

function toConnectError(error: unknown, requestId: string, log: AppContext['log']): ConnectError {
  if (error instanceof ConnectError) return error
  const known = error instanceof DomainError ? error : (outageOf(error) ?? refusedTextOf(error))
  if (!known) {
    log.error({ err: error, requestId }, 'request failed')
    const message = `The server failed. Its log has the cause under request ${requestId}.`
    return new ConnectError(message, Code.Internal, {
      'fairway-reason': 'internal',
      'fairway-request-id': requestId,
    })
  }
  if (known.kind === 'unavailable')
    log.warn({ err: known.cause ?? known, requestId }, 'dependency unavailable')
  return new ConnectError(known.message, codes[known.kind], {
    'fairway-reason': known.reason,
    'fairway-request-id': requestId,
  })
}
