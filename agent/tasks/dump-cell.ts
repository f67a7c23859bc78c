import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { DumpCellOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { AgentServices } from '../services.ts'
import type { TaskHandler } from './task.ts'

export function dumpCellTask({ cells }: Pick<AgentServices, 'cells'>): TaskHandler<'dumpCell'> {
  return async (input, context) => {
    const begun = performance.now()
    const dump = await cells.dump({ id: input.dumpId, cellId: input.cellId }, context)
    const durationMs = Math.round(performance.now() - begun)
    const { database, filestore } = dump
    context.log(
      'fairway',
      `dumped ${database.bytes} bytes of database and ${filestore.files} files of filestore in ${durationMs} ms`,
    )
    return create(DumpCellOutputSchema, {
      bytes: BigInt(database.bytes + filestore.bytes),
      durationMs: BigInt(durationMs),
      sha256: dump.manifestSha256,
      takenAt: timestampFromDate(new Date(dump.takenAt)),
    })
  }
}
