import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import type { HostService } from '../../proto/gen/fairway/v1/hosts_pb.js'
import type { AppContext } from '../context.ts'
import { revokeHost } from '../services/hosts/host-revocation.ts'
import { getHost, listHosts } from '../services/hosts/hosts.ts'
import { createJoinToken } from '../services/hosts/join-tokens.ts'
import { callerOf } from './caller.ts'

export const hostsApi = (app: AppContext): ServiceImpl<typeof HostService> => ({
  async createJoinToken(request, context) {
    const { token, expiresAt } = await createJoinToken(app, callerOf(context), request)
    return { token, expiresAt: timestampFromDate(expiresAt), serverAddresses: [...app.config.linkAddresses] }
  },
  async listHosts(_, context) {
    const caller = callerOf(context)
    const serverAdvice = caller.access.role === 'owner' ? [...app.config.warnings] : []
    return { hosts: await listHosts(app, caller), serverAdvice }
  },
  async revokeHost({ host, reason }, context) {
    await revokeHost(app, callerOf(context), { host, reason })
    return { host: await getHost(app, callerOf(context), host) }
  },
  async getHost({ host }, context) {
    return { host: await getHost(app, callerOf(context), host) }
  },
})
