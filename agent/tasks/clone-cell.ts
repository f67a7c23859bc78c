import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { CloneCellOutputSchema, type CloneCellTask } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { CloneRequest } from '../cells/parts.ts'
import { readDatabaseContents } from '../odoo/database-contents.ts'
import type { AgentServices } from '../services.ts'
import { limitsOf, requireStage } from './cell-input.ts'
import { TaskError, type TaskHandler } from './task.ts'

export function cloneCellTask({
  cells,
  pool,
  poolName,
}: Pick<AgentServices, 'cells' | 'pool' | 'poolName'>): TaskHandler<'cloneCell'> {
  return async (input, context) => {
    const begun = performance.now()
    const stage = requireStage(input.stage)
    const { cell, copyMs, startMs } = await cells.clone(
      {
        id: input.cellId,
        environmentId: input.environmentId,
        stage,
        from: sourceOf(input),
        limits: limitsOf(stage, input.resources),
      },
      context,
    )
    const durationMs = performance.now() - begun
    const sourceTime = new Date(cell.source?.time ?? cell.createdAt)
    const [{ apparentBytes }, contents] = await Promise.all([
      pool.sizeOf(cell),
      readDatabaseContents(cell, context.signal, sourceTime),
    ])
    context.log(
      'fairway',
      `cloned ${apparentBytes} bytes in ${Math.round(durationMs)} ms (copy ${Math.round(copyMs)}, start ${Math.round(startMs)})`,
    )
    return create(CloneCellOutputSchema, {
      pool: poolName,
      sourceTime: timestampFromDate(sourceTime),
      durationMs: BigInt(Math.round(durationMs)),
      copyMs: BigInt(Math.round(copyMs)),
      startMs: BigInt(Math.round(startMs)),
      bytes: BigInt(apparentBytes),
      ...(contents && { contents }),
    })
  }
}

function sourceOf({ source }: CloneCellTask): CloneRequest['from'] {
  if (source.case === 'sourceCellId') return { kind: 'cell', id: source.value }
  if (source.case === 'sourceSnapshotId') return { kind: 'snapshot', id: source.value }
  throw new TaskError('bad-input', 'the task names no source to clone from')
}
