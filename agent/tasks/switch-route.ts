import { create } from '@bufbuild/protobuf'
import { SwitchRouteOutputSchema, type SwitchRouteTask } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { listRuntimes } from '../containers/odoo.ts'
import { type Route, routeSchema } from '../containers/route.ts'
import { requireNeutral } from '../neutralize/gate.ts'
import type { AgentServices } from '../services.ts'
import { requireClean } from '../storage/dirty.ts'
import { TaskError, type TaskHandler } from './task.ts'

type Services = Pick<AgentServices, 'docker' | 'pool' | 'proxy'>

/** What visitors of an environment get: a runtime, a maintenance page, or nothing. */
export function switchRoute(services: Services): TaskHandler<'switchRoute'> {
  return async (input, context) => {
    const { pool, proxy } = services
    if (input.target.case === 'remove') {
      await context.requireLease()
      await proxy.removeRoute(input.environmentId, context.signal)
      context.log('fairway', 'no host name leads to this environment any more')
      return create(SwitchRouteOutputSchema, { port: proxy.port })
    }
    const route = await createRoute(services, input)
    await context.requireLease()
    if (route.target.kind === 'maintenance') await pool.keepRoom(route.environmentId)
    await proxy.setRoute(route, context.signal)
    // What leads to a cell again needs no way back any more.
    if (route.target.kind === 'runtime') await pool.releaseRoom(route.target.cellId)
    const urls = route.hostnames.map((hostname) => `http://${hostname}:${proxy.port}/`)
    context.log(
      'fairway',
      `${urls.join(', ')} → ${input.target.case === 'maintenance' ? 'maintenance page' : 'Odoo'}`,
    )
    return create(SwitchRouteOutputSchema, { port: proxy.port, urls })
  }
}

async function createRoute(services: Services, input: SwitchRouteTask): Promise<Route> {
  const hostnames = input.hostnames.map((hostname) => hostname.toLowerCase())
  const parsed = routeSchema.safeParse({
    environmentId: input.environmentId,
    hostnames,
    https: input.https,
    target: await describeTarget(services, input),
  })
  if (parsed.success) return parsed.data
  throw new TaskError('bad-input', `${hostnames.join(', ') || 'nothing'}: these are no host names`, {
    cause: parsed.error,
  })
}

async function describeTarget({ docker, pool }: Services, { target }: SwitchRouteTask): Promise<unknown> {
  if (target.case === 'maintenance')
    return {
      kind: 'maintenance',
      message: target.value.message.slice(0, 1000),
      retryAfterSeconds: target.value.retryAfterSeconds,
    }
  if (target.case !== 'runtimeId') throw new TaskError('bad-input', 'the task names no target for the route')
  const [runtime] = await listRuntimes(docker, target.value)
  if (!runtime?.running)
    throw new TaskError(
      'runtime-missing',
      `the runtime ${target.value} does not run: start it before routing to it`,
    )
  const cell = await pool.requireCell(runtime.cellId)
  requireClean(cell)
  requireNeutral(cell, '', { kind: 'serve' })
  return { kind: 'runtime', ...runtime }
}
