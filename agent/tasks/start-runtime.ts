import { create } from '@bufbuild/protobuf'
import { StartRuntimeOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { inspectBeside, inspectionContainer } from '../containers/inspection.ts'
import { ensureRuntime, runtimeContainer, untilHealthy } from '../containers/odoo.ts'
import { removeOtherRuntimes } from '../containers/other-runtimes.ts'
import { inspectionInput } from '../odoo/inspection/settings.ts'
import { ownTree } from '../storage/tree/own.ts'
import { type OdooCellServices, prepareOdooCell } from './odoo-cell.ts'
import { requireRuntime } from './runtime-input.ts'
import type { TaskHandler } from './task.ts'

/**
 * Odoo on a cell, up and answering. No route leads to it yet. Where asked, its code looks at the database meanwhile, which
 * the smoke task waits for; the runtime's removal takes that away as well.
 */
export function startRuntime(services: OdooCellServices): TaskHandler<'startRuntime'> {
  return async (input, context) => {
    const begun = performance.now()
    const { docker } = services
    const runtime = requireRuntime(input.runtime)
    const { cell, connection, facts } = await prepareOdooCell(
      services,
      runtime.cellId,
      runtime.image,
      { kind: 'serve' },
      context.signal,
    )
    if (input.alone) await removeOtherRuntimes(docker, cell.id, [runtime.runtimeId], context)
    await ownTree(cell.paths.sessions, facts.uid, facts.gid, context.signal)
    const secrets = await context.secrets(runtime.secrets)
    const given = { owner: context.owner, secrets }
    const options = runtimeContainer(docker, runtime, cell, connection, facts, given)
    await ensureRuntime(docker, options, runtime.runtimeId, cell, context)
    const healthy = (signal: AbortSignal) => untilHealthy(docker, runtime.runtimeId, signal)
    if (input.inspection) {
      const look = inspectionContainer(docker, runtime, cell, connection, facts, given)
      const { bundles, addons } = input.inspection
      const asked = inspectionInput(facts.odooVersion, { bundles, addons: Object.keys(addons) })
      await inspectBeside(docker, look, runtime.runtimeId, asked, context, healthy)
    } else await healthy(context.signal)
    const durationMs = Math.round(performance.now() - begun)
    context.log('fairway', `Odoo answers after ${durationMs} ms`)
    return create(StartRuntimeOutputSchema, { durationMs: BigInt(durationMs) })
  }
}
