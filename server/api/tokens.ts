import type { ServiceImpl } from '@connectrpc/connect'
import type { TokenService } from '../../proto/gen/fairway/v1/tokens_pb.js'
import type { AppContext } from '../context.ts'
import { createServiceToken, listTokens, revokeToken } from '../services/tokens/service-tokens.ts'
import { callerOf } from './caller.ts'

export const tokensApi = (app: AppContext): ServiceImpl<typeof TokenService> => ({
  async createToken(request, context) {
    const lifetimeSeconds = Number(request.lifetimeSeconds)
    return await createServiceToken(app, callerOf(context), { ...request, lifetimeSeconds })
  },
  async listTokens({ all }, context) {
    return { tokens: await listTokens(app, callerOf(context), all) }
  },
  async revokeToken({ token }, context) {
    return { token: await revokeToken(app, callerOf(context), token) }
  },
})
