import type { ServiceImpl } from '@connectrpc/connect'
import type { RunService } from '../../proto/gen/fairway/v1/runs_pb.js'
import type { AppContext } from '../context.ts'
import { cancelRun } from '../services/builds/run-cancel.ts'
import { getRun, listRuns } from '../services/builds/runs.ts'
import { abandonRun, retryRun } from '../services/runs/stuck-runs.ts'
import { callerOf } from './caller.ts'

export const runsApi = (app: AppContext): ServiceImpl<typeof RunService> => ({
  async getRun(request, context) {
    return { run: await getRun(app, callerOf(context), request) }
  },
  async cancelRun(request, context) {
    return { run: await cancelRun(app, callerOf(context), request) }
  },
  async listRuns(request, context) {
    return { runs: await listRuns(app, callerOf(context), request) }
  },
  async retryRun({ runId }, context) {
    const caller = callerOf(context)
    return { run: await getRun(app, caller, { runId: await retryRun(app, caller, runId) }) }
  },
  async abandonRun(request, context) {
    const caller = callerOf(context)
    return { run: await getRun(app, caller, { runId: await abandonRun(app, caller, request) }) }
  },
})
