import { create } from '@bufbuild/protobuf'
import { RestoreCellOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { readDatabaseContents } from '../odoo/database-contents.ts'
import type { AgentServices } from '../services.ts'
import type { TaskHandler } from './task.ts'

export function restoreCellTask({ cells }: Pick<AgentServices, 'cells'>): TaskHandler<'restoreCell'> {
  return async (input, context) => {
    const begun = performance.now()
    const cell = await cells.restore(input.cellId, input.snapshotId, context)
    const durationMs = Math.round(performance.now() - begun)
    context.log('fairway', `snapshot put back in ${durationMs} ms`)
    const contents = await readDatabaseContents(cell, context.signal)
    return create(RestoreCellOutputSchema, {
      durationMs: BigInt(durationMs),
      ...(contents && { contents }),
    })
  }
}
