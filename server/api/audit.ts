import type { ServiceImpl } from '@connectrpc/connect'
import type { AuditService } from '../../proto/gen/fairway/v1/audit_pb.js'
import type { AppContext } from '../context.ts'
import { createCheckpoint } from '../services/audit/checkpoint.ts'
import { getAuditEvent, listAuditEvents } from '../services/audit/events.ts'
import { exportAudit } from '../services/audit/export.ts'
import { callerOf } from './caller.ts'

export const auditApi = (app: AppContext): ServiceImpl<typeof AuditService> => ({
  async listAuditEvents(request, context) {
    const before = request.before === undefined ? undefined : indexOf(request.before)
    return { events: await listAuditEvents(app, callerOf(context), { ...request, before }) }
  },
  async getAuditEvent({ index }, context) {
    return await getAuditEvent(app, callerOf(context), indexOf(index))
  },
  async *exportAudit(_, context) {
    for await (const chunk of exportAudit(app, callerOf(context), context.signal)) {
      yield { chunk: new Uint8Array(chunk) }
    }
  },
  async createCheckpoint(_, context) {
    return await createCheckpoint(app, callerOf(context))
  },
})

/** Beyond all that there can be, any index is as good as the next. */
const indexOf = (index: bigint): number => Math.min(Number(index), Number.MAX_SAFE_INTEGER)
