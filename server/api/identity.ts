import type { HandlerContext, ServiceImpl } from '@connectrpc/connect'
import type { IdentityService } from '../../proto/gen/fairway/v1/identity_pb.js'
import type { AppContext } from '../context.ts'
import { countFailedLogins } from '../services/identity/failed-logins.ts'
import { loginWithCode } from '../services/identity/login.ts'
import { createIdTokenLogin } from '../services/identity/login-id-token.ts'
import type { Session } from '../services/identity/sessions.ts'
import { logout, whoAmI } from '../services/identity/who-am-i.ts'
import { createWorkflowLogin } from '../services/identity/workflow-login.ts'
import { timestampOf } from '../services/messages.ts'
import { addressKey, callerOf, requestIdKey } from './caller.ts'

export function identityApi(app: AppContext): ServiceImpl<typeof IdentityService> {
  const failed = countFailedLogins()
  const loginWithIdToken = createIdTokenLogin(app)
  const exchangeWorkflowToken = createWorkflowLogin(app)
  const session = async (context: HandlerContext, login: (requestId: string) => Promise<Session>) => {
    const requestId = context.values.get(requestIdKey)
    const made = await failed.guard(context.values.get(addressKey), () => login(requestId))
    const notices = [...(made.notices ?? [])]
    return { session: { ...made, notices, expiresAt: timestampOf(made.expiresAt) } }
  }
  return {
    getLoginOptions() {
      const { oidc, publicUrl } = app.config
      return { oidcIssuer: oidc?.issuer, oidcClientId: oidc?.clientId, workflowAudience: publicUrl }
    },
    loginWithCode: (request, context) => session(context, (id) => loginWithCode(app, request, id)),
    loginWithIdToken: (request, context) => session(context, (id) => loginWithIdToken(request, id)),
    exchangeWorkflowToken: (request, context) => session(context, (id) => exchangeWorkflowToken(request, id)),
    async whoAmI(_, context) {
      return await whoAmI(app, callerOf(context))
    },
    async logout(_, context) {
      await logout(app, callerOf(context))
      return {}
    },
  }
}
