import type { ServiceImpl } from '@connectrpc/connect'
import type { ReportService } from '../../proto/gen/fairway/v1/reports_pb.js'
import type { AppContext } from '../context.ts'
import { reportAccess } from '../services/reports/access.ts'
import { reportReleases } from '../services/reports/releases.ts'
import { reportRestores } from '../services/reports/restores.ts'
import { callerOf } from './caller.ts'

export const reportsApi = (app: AppContext): ServiceImpl<typeof ReportService> => ({
  async reportReleases({ span }, context) {
    return { releases: await reportReleases(app, callerOf(context), span) }
  },
  async reportAccess({ span }, context) {
    return { lines: await reportAccess(app, callerOf(context), span) }
  },
  async reportRestores({ span }, context) {
    return { restores: await reportRestores(app, callerOf(context), span) }
  },
})
