import { create } from '@bufbuild/protobuf'
import { RestoreCellOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { AgentServices } from '../services.ts'
import type { TaskHandler } from './task.ts'

export function restoreCellTask({ cells }: Pick<AgentServices, 'cells'>): TaskHandler<'restoreCell'> {
  return async (input, context) => {
    const begun = performance.now()
    await cells.restore(input.cellId, input.snapshotId, context)
    const durationMs = Math.round(performance.now() - begun)
    context.log('fairway', `snapshot put back in ${durationMs} ms`)
    return create(RestoreCellOutputSchema, { durationMs: BigInt(durationMs) })
  }
}
