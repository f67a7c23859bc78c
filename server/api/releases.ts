import type { ServiceImpl } from '@connectrpc/connect'
import type { ReleaseService } from '../../proto/gen/fairway/v1/releases_pb.js'
import type { AppContext } from '../context.ts'
import { listReleases } from '../services/releases/history.ts'
import { promoteRelease } from '../services/releases/promotions.ts'
import { getRehearsal, startRehearsal } from '../services/releases/rehearsals.ts'
import { planRelease } from '../services/releases/release-plans.ts'
import { requestRelease } from '../services/releases/requests.ts'
import { countRollbackLoss, getRollbackLoss } from '../services/releases/rollback-loss.ts'
import { planRollback } from '../services/releases/rollback-plan.ts'
import { startRollback } from '../services/releases/rollbacks.ts'
import { listDataSnapshots } from '../services/releases/snapshots.ts'
import { callerOf } from './caller.ts'

export const releasesApi = (app: AppContext): ServiceImpl<typeof ReleaseService> => ({
  async planRelease(request, context) {
    return { plan: await planRelease(app, callerOf(context), request) }
  },
  async rehearseRelease(request, context) {
    return { runId: await startRehearsal(app, callerOf(context), request) }
  },
  async getRehearsal(request, context) {
    return { rehearsal: await getRehearsal(app, callerOf(context), request) }
  },
  async requestRelease(request, context) {
    return await requestRelease(app, callerOf(context), request)
  },
  async promoteRelease(request, context) {
    return await promoteRelease(app, callerOf(context), request)
  },
  async listReleases(request, context) {
    return { releases: await listReleases(app, callerOf(context), request) }
  },
  async listSnapshots({ project }, context) {
    return { snapshots: await listDataSnapshots(app, callerOf(context), project) }
  },
  async planRollback(request, context) {
    return { plan: await planRollback(app, callerOf(context), request) }
  },
  async countRollbackLoss(request, context) {
    return { runId: await countRollbackLoss(app, callerOf(context), request) }
  },
  async getRollbackLoss({ runId }, context) {
    return { loss: await getRollbackLoss(app, callerOf(context), runId) }
  },
  async startRollback(request, context) {
    return await startRollback(app, callerOf(context), request)
  },
})
