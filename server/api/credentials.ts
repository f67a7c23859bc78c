import type { ServiceImpl } from '@connectrpc/connect'
import type { CredentialService } from '../../proto/gen/fairway/v1/credentials_pb.js'
import type { AppContext } from '../context.ts'
import { listCredentials } from '../services/credentials/credential-views.ts'
import { deleteCredential, noteOnMasking, setCredential } from '../services/credentials/credentials.ts'
import { callerOf } from './caller.ts'

export const credentialsApi = (app: AppContext): ServiceImpl<typeof CredentialService> => ({
  async setCredential(request, context) {
    const credential = await setCredential(app, callerOf(context), request)
    return { credential, maskingNote: noteOnMasking(request) }
  },
  async listCredentials({ project }, context) {
    return { credentials: await listCredentials(app, callerOf(context), project) }
  },
  async deleteCredential(request, context) {
    await deleteCredential(app, callerOf(context), request)
    return {}
  },
})
