import { create } from '@bufbuild/protobuf'
import { DestroySnapshotOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { AgentServices } from '../services.ts'
import type { TaskHandler } from './task.ts'

export function destroySnapshotTask({ cells }: Pick<AgentServices, 'cells'>): TaskHandler<'destroySnapshot'> {
  return async (input, context) => {
    await cells.destroySnapshot(input.snapshotId, context)
    context.log('fairway', `snapshot ${input.snapshotId} destroyed`)
    return create(DestroySnapshotOutputSchema, {})
  }
}
