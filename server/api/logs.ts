import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import type { LogService } from '../../proto/gen/fairway/v1/logs_pb.js'
import type { AppContext } from '../context.ts'
import { readLogs } from '../services/logs/logs.ts'
import { callerOf } from './caller.ts'

export const logsApi = (app: AppContext): ServiceImpl<typeof LogService> => ({
  async *readLogs(request, context) {
    const wanted = { ...request, since: request.since && timestampDate(request.since) }
    for await (const lines of readLogs(app, callerOf(context), wanted, context.signal)) {
      yield {
        lines: lines.map(({ unixMicros, step, source, text, gap }) => ({
          time: timestampOfMicros(unixMicros),
          step,
          source,
          text,
          gap: BigInt(gap),
        })),
      }
    }
  },
})

const timestampOfMicros = (micros: number) => ({
  seconds: BigInt(Math.floor(micros / 1_000_000)),
  nanos: (micros % 1_000_000) * 1_000,
})
