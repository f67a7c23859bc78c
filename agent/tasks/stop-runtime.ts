import { create } from '@bufbuild/protobuf'
import { StopRuntimeOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { stopAndRemove, stopContainer } from '../containers/docker.ts'
import { runtimeName, stopGraceSeconds } from '../containers/odoo.ts'
import type { AgentServices } from '../services.ts'
import { requireRuntimeId } from './runtime-input.ts'
import type { TaskHandler } from './task.ts'

/** Stops Odoo, and PostgreSQL if asked. What is stopped or gone already is fine. */
export function stopRuntime({
  docker,
  cells,
}: Pick<AgentServices, 'docker' | 'cells'>): TaskHandler<'stopRuntime'> {
  return async (input, context) => {
    if (input.runtimeId) {
      const name = runtimeName(requireRuntimeId(input.runtimeId))
      await context.requireLease()
      if (input.remove) await stopAndRemove(docker, name, stopGraceSeconds)
      else await stopContainer(docker, name, stopGraceSeconds)
      context.log('fairway', `Odoo ${input.runtimeId} ${input.remove ? 'removed' : 'stopped'}`)
    }
    if (input.stopCellId) {
      await context.requireLease()
      await cells.stop(input.stopCellId, context.signal)
      context.log('fairway', `PostgreSQL of cell ${input.stopCellId} stopped`)
    }
    return create(StopRuntimeOutputSchema)
  }
}
