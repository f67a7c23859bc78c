import { create } from '@bufbuild/protobuf'
import { DestroyCellOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { AgentServices } from '../services.ts'
import type { TaskHandler } from './task.ts'

export function destroyCellTask({ cells }: Pick<AgentServices, 'cells'>): TaskHandler<'destroyCell'> {
  return async (input, context) => {
    const freedBytes = await cells.destroy(input.cellId, input.production, context)
    context.log('fairway', `cell ${input.cellId} destroyed`)
    return create(DestroyCellOutputSchema, { freedBytes: BigInt(freedBytes) })
  }
}
