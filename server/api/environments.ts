import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import { type EnvironmentService, FailedCode } from '../../proto/gen/fairway/v1/environments_pb.js'
import type { AppContext } from '../context.ts'
import { getEnvironment, listEnvironments } from '../services/environments/environment-views.ts'
import {
  destroyEnvironment,
  startEnvironment,
  stopEnvironment,
} from '../services/environments/environments.ts'
import { openFailed } from '../services/environments/open-failed.ts'
import { revealSignIn } from '../services/environments/sign-in.ts'
import { callerOf } from './caller.ts'

export const environmentsApi = (app: AppContext): ServiceImpl<typeof EnvironmentService> => ({
  async listEnvironments(request, context) {
    return { environments: await listEnvironments(app, callerOf(context), request) }
  },
  async getEnvironment({ environment }, context) {
    return { environment: await getEnvironment(app, callerOf(context), environment) }
  },
  async revealSignIn({ environment }, context) {
    const { until, ...signIn } = await revealSignIn(app, callerOf(context), environment)
    return { ...signIn, ...(until && { until: timestampFromDate(until) }) }
  },
  async openFailed({ runId, build, code, lifetimeSeconds }, context) {
    return await openFailed(app, callerOf(context), {
      runId,
      build,
      code: code === FailedCode.FAILED ? 'failed' : 'before',
      lifetimeSeconds: Number(lifetimeSeconds),
    })
  },
  async stopEnvironment({ environment }, context) {
    return await stopEnvironment(app, callerOf(context), environment)
  },
  async startEnvironment({ environment }, context) {
    return await startEnvironment(app, callerOf(context), environment)
  },
  async destroyEnvironment({ environment, confirm }, context) {
    return await destroyEnvironment(app, callerOf(context), environment, confirm)
  },
})
