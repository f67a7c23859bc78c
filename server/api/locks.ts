import type { ServiceImpl } from '@connectrpc/connect'
import type { LockService } from '../../proto/gen/fairway/v1/locks_pb.js'
import type { AppContext } from '../context.ts'
import { getBaseImage } from '../services/locks/base-image.ts'
import { updateLock } from '../services/locks/lock-update.ts'
import { getLock } from '../services/locks/lock-views.ts'
import { callerOf } from './caller.ts'

export const locksApi = (app: AppContext): ServiceImpl<typeof LockService> => ({
  async getLock(request, context) {
    return { lock: await getLock(app, callerOf(context), request) }
  },
  async updateLock(request, context) {
    return { runId: await updateLock(app, callerOf(context), request) }
  },
  async getBaseImage(request, context) {
    return await getBaseImage(app, callerOf(context), request)
  },
})
