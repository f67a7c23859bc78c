import type { DescMethod } from '@bufbuild/protobuf'
import type { Interceptor } from '@connectrpc/connect'
import { IdentityService } from '../../../proto/gen/fairway/v1/identity_pb.js'
import type { AppContext } from '../../context.ts'
import { authenticate } from '../../services/identity/authenticate.ts'
import { identityKey, requestIdKey } from '../caller.ts'

/** How a token is had; all else needs one. */
const open: ReadonlySet<DescMethod> = new Set([
  IdentityService.method.getLoginOptions,
  IdentityService.method.loginWithCode,
  IdentityService.method.loginWithIdToken,
  IdentityService.method.exchangeWorkflowToken,
])

/** Every call needs a bearer token, but for those with which one logs in. */
export function authentication(context: AppContext): Interceptor {
  return (next) => async (request) => {
    if (open.has(request.method)) return await next(request)
    const requestId = request.contextValues.get(requestIdKey)
    const identity = await authenticate(context, request.header.get('authorization'), requestId)
    request.contextValues.set(identityKey, identity)
    return await next(request)
  }
}
