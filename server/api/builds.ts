import type { ServiceImpl } from '@connectrpc/connect'
import type { BuildService } from '../../proto/gen/fairway/v1/builds_pb.js'
import type { AppContext } from '../context.ts'
import { getBuild, getBuildOfRun, listBuilds } from '../services/builds/build-views.ts'
import { watchBuild } from '../services/builds/build-watch.ts'
import { cancelBuild, rebuildBuild, startBuild } from '../services/builds/builds.ts'
import { callerOf } from './caller.ts'

export const buildsApi = (app: AppContext): ServiceImpl<typeof BuildService> => ({
  async startBuild({ project, branch, commit }, context) {
    const caller = callerOf(context)
    const run = await startBuild(app, caller, { project, branch, commit, trigger: 'manual' })
    return { build: await getBuildOfRun(app, caller, run) }
  },
  async listBuilds(request, context) {
    return { builds: await listBuilds(app, callerOf(context), request) }
  },
  async getBuild({ build }, context) {
    return { build: await getBuild(app, callerOf(context), build) }
  },
  async *watchBuild({ build }, context) {
    for await (const seen of watchBuild(app, callerOf(context), build, context.signal)) yield { build: seen }
  },
  async cancelBuild({ build }, context) {
    const caller = callerOf(context)
    return { build: await getBuildOfRun(app, caller, await cancelBuild(app, caller, build)) }
  },
  async rebuildBuild({ build }, context) {
    const caller = callerOf(context)
    return { build: await getBuildOfRun(app, caller, await rebuildBuild(app, caller, build)) }
  },
})
