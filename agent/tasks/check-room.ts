import { create } from '@bufbuild/protobuf'
import { CheckRoomOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { isPostgresRunning } from '../containers/postgres.ts'
import { checkpoint } from '../database/administration.ts'
import type { AgentServices } from '../services.ts'
import type { Cell } from '../storage/records.ts'
import { formatBytes } from '../storage/space.ts'
import type { TaskContext, TaskHandler } from './task.ts'

type Services = Pick<AgentServices, 'docker' | 'pool'>

/** A disk that takes longer is not waited for: that one is slow later is no reason to refuse a change, or the way back. */
const writtenWithinMs = 60_000

/** Before anybody is sent away for a change of the cell's data: whether it has room, and what can be written beforehand is. */
export function checkRoomTask(services: Services): TaskHandler<'checkRoom'> {
  const { pool } = services
  return async (input, context) => {
    const cell = await pool.requireCell(input.cellId)
    const incoming = input.snapshotId ? await pool.requireSnapshot(input.snapshotId) : undefined
    const { freeBytes } = await pool.requireRoom(cell, incoming)
    context.log('fairway', `the change and its way back have room: ${formatBytes(freeBytes)} are free`)
    await writeBeforehand(services, cell, context)
    return create(CheckRoomOutputSchema, { freeBytes: BigInt(freeBytes) })
  }
}

/** The snapshot, and PostgreSQL's shutdown before another one is put back, write what is only in its memory while people wait. */
async function writeBeforehand({ docker }: Services, cell: Cell, context: TaskContext): Promise<void> {
  if (!(await isPostgresRunning(docker, cell.id))) return
  const begun = performance.now()
  try {
    await checkpoint(cell, AbortSignal.any([context.signal, AbortSignal.timeout(writtenWithinMs)]))
    context.log(
      'fairway',
      `PostgreSQL has written all to disk in ${Math.round(performance.now() - begun)} ms`,
    )
  } catch (error) {
    context.signal.throwIfAborted()
    const why = error instanceof Error ? error.message : String(error)
    context.log(
      'fairway',
      `PostgreSQL has not written all to disk beforehand, so people may wait longer: ${why}`,
    )
  }
}
