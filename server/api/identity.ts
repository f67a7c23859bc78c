import type { ServiceImpl } from '@connectrpc/connect'
import type { IdentityService } from '../../proto/gen/fairway/v1/identity_pb.js'
import { serverVersion } from '../services/version.ts'
import { callerOf } from './caller.ts'

export const identityApi = (): ServiceImpl<typeof IdentityService> => ({
  whoAmI(_, context) {
    const { organization, member, access, tokenName } = callerOf(context)
    return { organization, member, role: access.role, tokenName, serverVersion }
  },
})
