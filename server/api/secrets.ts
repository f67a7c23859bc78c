import type { ServiceImpl } from '@connectrpc/connect'
import type { SecretService } from '../../proto/gen/fairway/v1/secrets_pb.js'
import type { AppContext } from '../context.ts'
import { revealSecret } from '../services/governance/secret-reveal.ts'
import { listSecrets } from '../services/governance/secret-views.ts'
import { deleteSecret, rotateDataKey, setSecret } from '../services/governance/secrets.ts'
import { callerOf } from './caller.ts'

export const secretsApi = (app: AppContext): ServiceImpl<typeof SecretService> => ({
  async setSecret(request, context) {
    return await setSecret(app, callerOf(context), request)
  },
  async listSecrets({ project }, context) {
    return { secrets: await listSecrets(app, callerOf(context), project) }
  },
  async deleteSecret(request, context) {
    await deleteSecret(app, callerOf(context), request)
    return {}
  },
  async rotateKeys(_, context) {
    return await rotateDataKey(app, callerOf(context))
  },
  async revealSecret(request, context) {
    return await revealSecret(app, callerOf(context), request)
  },
})
