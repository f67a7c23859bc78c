import type { ServiceImpl } from '@connectrpc/connect'
import type { MemberService } from '../../proto/gen/fairway/v1/members_pb.js'
import type { AppContext } from '../context.ts'
import { explainAccess } from '../services/members/access.ts'
import { grantPermission, listGrants, revokeGrant } from '../services/members/grants.ts'
import { removeMember } from '../services/members/member-removal.ts'
import { listMembers } from '../services/members/member-views.ts'
import { addMember, inviteMember } from '../services/members/members.ts'
import { confirmRecovery, requestRecovery } from '../services/members/recovery.ts'
import { timestampOf } from '../services/messages.ts'
import { callerOf } from './caller.ts'

export const membersApi = (app: AppContext): ServiceImpl<typeof MemberService> => ({
  async addMember(request, context) {
    const { member, code } = await addMember(app, callerOf(context), request)
    return { member, code: code?.code, codeExpiresAt: timestampOf(code?.expiresAt) }
  },
  async listMembers({ project }, context) {
    return { members: await listMembers(app, callerOf(context), project) }
  },
  async removeMember(request, context) {
    await removeMember(app, callerOf(context), request)
    return {}
  },
  async inviteMember({ member }, context) {
    const { code, expiresAt } = await inviteMember(app, callerOf(context), member)
    return { code, codeExpiresAt: timestampOf(expiresAt) }
  },
  async requestRecovery({ member }, context) {
    const { expiresAt, owners } = await requestRecovery(app, callerOf(context), member)
    return { expiresAt: timestampOf(expiresAt), owners: [...owners] }
  },
  async confirmRecovery({ member }, context) {
    const { code, expiresAt, requestedBy } = await confirmRecovery(app, callerOf(context), member)
    return { code, codeExpiresAt: timestampOf(expiresAt), requestedBy }
  },
  async grantPermission(request, context) {
    const lifetimeSeconds = Number(request.lifetimeSeconds)
    return { grant: await grantPermission(app, callerOf(context), { ...request, lifetimeSeconds }) }
  },
  async revokeGrant({ grantId }, context) {
    return { grant: await revokeGrant(app, callerOf(context), grantId) }
  },
  async listGrants(request, context) {
    return { grants: await listGrants(app, callerOf(context), request) }
  },
  async explainAccess(request, context) {
    const explained = await explainAccess(app, callerOf(context), request)
    const { allowed, rule, approval } = explained
    return { allowed, rule, approval, considered: [...explained.considered] }
  },
})
