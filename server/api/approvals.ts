import type { ServiceImpl } from '@connectrpc/connect'
import type { ApprovalService } from '../../proto/gen/fairway/v1/approvals_pb.js'
import type { AppContext } from '../context.ts'
import { getApproval, listApprovals } from '../services/governance/approval-views.ts'
import { approve, breakGlass, closeReview, reject } from '../services/governance/approvals.ts'
import { callerOf } from './caller.ts'

export const approvalsApi = (app: AppContext): ServiceImpl<typeof ApprovalService> => ({
  async listApprovals(request, context) {
    return { approvals: await listApprovals(app, callerOf(context), request) }
  },
  async getApproval({ approvalId }, context) {
    return { approval: await getApproval(app, callerOf(context), approvalId) }
  },
  async approve(request, context) {
    return { approval: await approve(app, callerOf(context), request) }
  },
  async reject(request, context) {
    return { approval: await reject(app, callerOf(context), request) }
  },
  async breakGlass(request, context) {
    return { approval: await breakGlass(app, callerOf(context), request) }
  },
  async closeReview(request, context) {
    return { approval: await closeReview(app, callerOf(context), request) }
  },
})
