import type { Interceptor } from '@connectrpc/connect'
import type { AppContext } from '../../context.ts'
import { authenticate } from '../../services/authenticate.ts'
import { identityKey, requestIdKey } from '../caller.ts'

/** Every call of every service needs a bearer token. */
export function authentication(context: AppContext): Interceptor {
  return (next) => async (request) => {
    const requestId = request.contextValues.get(requestIdKey)
    const identity = await authenticate(context, request.header.get('authorization'), requestId)
    request.contextValues.set(identityKey, identity)
    return await next(request)
  }
}
