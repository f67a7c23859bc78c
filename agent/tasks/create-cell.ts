import { create } from '@bufbuild/protobuf'
import { CreateCellOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { AgentServices } from '../services.ts'
import { limitsOf, requireStage } from './cell-input.ts'
import type { TaskHandler } from './task.ts'

export function createCellTask({
  cells,
  poolName,
}: Pick<AgentServices, 'cells' | 'poolName'>): TaskHandler<'createCell'> {
  return async (input, context) => {
    const stage = requireStage(input.stage)
    const cell = await cells.create(
      {
        id: input.cellId,
        environmentId: input.environmentId,
        stage,
        postgresImage: input.postgresImage,
        limits: limitsOf(stage, input.resources),
      },
      context,
    )
    context.log('fairway', `empty cell with PostgreSQL ${cell.postgresMajor} is ready`)
    return create(CreateCellOutputSchema, {
      pool: poolName,
      postgresImage: cell.postgresImage,
      postgresMajor: cell.postgresMajor,
    })
  }
}
