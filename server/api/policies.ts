import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import type { PolicyService } from '../../proto/gen/fairway/v1/policies_pb.js'
import type { AppContext } from '../context.ts'
import { getPolicy, listPolicyVersions, setPolicy, testPolicy } from '../services/governance/policies.ts'
import { callerOf } from './caller.ts'

export const policiesApi = (app: AppContext): ServiceImpl<typeof PolicyService> => ({
  async getPolicy(request, context) {
    return { policy: await getPolicy(app, callerOf(context), request) }
  },
  async setPolicy(request, context) {
    return await setPolicy(app, callerOf(context), request)
  },
  async listPolicyVersions({ project }, context) {
    return { versions: await listPolicyVersions(app, callerOf(context), project) }
  },
  async testPolicy({ project, yaml, at }, context) {
    const moment = at ? timestampDate(at) : new Date()
    return await testPolicy(app, callerOf(context), { project, yaml, at: moment })
  },
})
