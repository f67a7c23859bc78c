import type { ServiceImpl } from '@connectrpc/connect'
import type { RunService } from '../../proto/gen/fairway/v1/runs_pb.js'
import type { AppContext } from '../context.ts'
import { cancelRun } from '../services/builds/run-cancel.ts'
import { getRun } from '../services/builds/runs.ts'
import { callerOf } from './caller.ts'

export const runsApi = (app: AppContext): ServiceImpl<typeof RunService> => ({
  async getRun(request, context) {
    return { run: await getRun(app, callerOf(context), request) }
  },

  async cancelRun(request, context) {
    return { run: await cancelRun(app, callerOf(context), request) }
  },
})
