import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { SnapshotCellOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { AgentServices } from '../services.ts'
import type { TaskHandler } from './task.ts'

export function snapshotCellTask({
  cells,
  poolName,
}: Pick<AgentServices, 'cells' | 'poolName'>): TaskHandler<'snapshotCell'> {
  return async (input, context) => {
    const begun = performance.now()
    const snapshot = await cells.snapshot(
      { id: input.snapshotId, cellId: input.cellId, purpose: input.purpose, quiesce: input.quiesce },
      context,
    )
    const durationMs = Math.round(performance.now() - begun)
    context.log('fairway', `snapshot of ${snapshot.sizeBytes} bytes taken in ${durationMs} ms`)
    return create(SnapshotCellOutputSchema, {
      pool: poolName,
      takenAt: timestampFromDate(new Date(snapshot.takenAt)),
      durationMs: BigInt(durationMs),
      bytes: BigInt(snapshot.sizeBytes),
    })
  }
}
