import { create } from '@bufbuild/protobuf'
import { CheckRoomOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { AgentServices } from '../services.ts'
import { formatBytes } from '../storage/space.ts'
import type { TaskHandler } from './task.ts'

export function checkRoomTask({ pool }: Pick<AgentServices, 'pool'>): TaskHandler<'checkRoom'> {
  return async (input, context) => {
    const cell = await pool.requireCell(input.cellId)
    const incoming = input.snapshotId ? await pool.requireSnapshot(input.snapshotId) : undefined
    const { freeBytes } = await pool.requireRoom(cell, incoming)
    context.log('fairway', `the change and its way back have room: ${formatBytes(freeBytes)} are free`)
    return create(CheckRoomOutputSchema, { freeBytes: BigInt(freeBytes) })
  }
}
