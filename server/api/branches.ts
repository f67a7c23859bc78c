import type { ServiceImpl } from '@connectrpc/connect'
import type { BranchService } from '../../proto/gen/fairway/v1/branches_pb.js'
import type { AppContext } from '../context.ts'
import { listBranches } from '../services/projects/branches.ts'
import { callerOf } from './caller.ts'

export const branchesApi = (app: AppContext): ServiceImpl<typeof BranchService> => ({
  async listBranches({ project }, context) {
    return await listBranches(app, callerOf(context), project)
  },
})
