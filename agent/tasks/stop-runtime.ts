import { create } from '@bufbuild/protobuf'
import { StopRuntimeOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { stopAndRemove } from '../containers/docker.ts'
import { removeInspection } from '../containers/inspection.ts'
import { listRuntimes, runtimeName, stopGraceSeconds } from '../containers/odoo.ts'
import { removeOtherRuntimes } from '../containers/other-runtimes.ts'
import { stopOdoo } from '../containers/stop-odoo.ts'
import type { AgentServices } from '../services.ts'
import { requireRuntimeId } from './runtime-input.ts'
import type { TaskContext, TaskHandler } from './task.ts'

type Services = Pick<AgentServices, 'docker' | 'cells' | 'proxy'>

const longestDrainSeconds = 3600

/**
 * Stops Odoo, and PostgreSQL if asked. What is stopped or gone already is fine. With `drainSeconds` requests that the
 * proxy still has with it may end first; no route may lead to it any more.
 */
export function stopRuntime(services: Services): TaskHandler<'stopRuntime'> {
  const { docker, cells } = services
  return async (input, context) => {
    if (input.runtimeId) {
      const name = runtimeName(requireRuntimeId(input.runtimeId))
      if (input.drainSeconds > 0) await drain(services, input.runtimeId, input.drainSeconds, context)
      await context.requireLease()
      await removeInspection(docker, input.runtimeId)
      await stopOdoo(docker, name, stopGraceSeconds, (text) => context.log('fairway', text))
      if (input.remove) await stopAndRemove(docker, name, stopGraceSeconds)
      context.log('fairway', `Odoo ${input.runtimeId} ${input.remove ? 'removed' : 'stopped'}`)
    }
    const { aloneInCellId, keepRuntimeId } = input
    if (aloneInCellId)
      await removeOtherRuntimes(docker, aloneInCellId, [input.runtimeId, keepRuntimeId], context)
    if (input.stopCellId) {
      await context.requireLease()
      await cells.stop(input.stopCellId, context.signal)
      context.log('fairway', `PostgreSQL of cell ${input.stopCellId} stopped`)
    }
    return create(StopRuntimeOutputSchema)
  }
}

async function drain(
  { docker, proxy }: Services,
  runtimeId: string,
  seconds: number,
  context: TaskContext,
): Promise<void> {
  const [runtime] = await listRuntimes(docker, runtimeId)
  if (!runtime?.running) return
  const begun = performance.now()
  const left = await proxy.drain(runtime, Math.min(seconds, longestDrainSeconds) * 1000, context.signal)
  const waited = `${Math.round(performance.now() - begun)} ms`
  if (left === 0) return context.log('fairway', `no request is left with Odoo ${runtimeId} after ${waited}`)
  const what =
    left === undefined ? 'the proxy does not say what requests are left' : `${left} requests did not end`
  context.warn(`${what} after ${waited}: Odoo ${runtimeId} is stopped all the same`)
}
