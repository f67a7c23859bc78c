import type { Tx } from '../../db/tenancy.ts'
import type { LogFacts } from './run-manifest.ts'

/** What the database holds of a run's logs. */
export async function collectLogs(tx: Tx, runId: string): Promise<LogFacts> {
  const streams = await tx
    .selectFrom('log_streams')
    .innerJoin('tasks', 'tasks.id', 'log_streams.task_id')
    .innerJoin('hosts', 'hosts.id', 'log_streams.host_id')
    .select([
      'log_streams.id',
      'log_streams.step',
      'log_streams.task_id',
      'log_streams.epoch',
      'log_streams.last_sequence',
      'log_streams.closed',
      'tasks.log_lines',
      'tasks.reason',
      'hosts.name as host',
    ])
    .where('log_streams.run_id', '=', runId)
    .orderBy('log_streams.created_at')
    .orderBy('log_streams.id')
    .execute()
  const segments = await tx
    .selectFrom('log_segments')
    .innerJoin('log_streams', 'log_streams.id', 'log_segments.stream_id')
    .select(['log_segments.stream_id', 'log_segments.sha256', 'log_segments.gaps'])
    .where('log_streams.run_id', '=', runId)
    .orderBy('log_segments.first_sequence')
    .execute()
  const facts = streams.map((stream) => {
    const own = segments.filter(({ stream_id }) => stream_id === stream.id)
    return {
      id: stream.id,
      step: stream.step,
      task: stream.task_id,
      epoch: stream.epoch,
      host: stream.host,
      lastSequence: stream.last_sequence,
      // A closed stream is one of an older attempt: nobody counted its lines.
      writtenSequence: stream.closed
        ? stream.last_sequence
        : Math.max(stream.log_lines, stream.last_sequence),
      lost: stream.reason === 'lost',
      gaps: own.flatMap(({ gaps }) => gaps as { sequence: number; lines: number }[]),
      segments: own.map(({ sha256 }) => sha256),
    }
  })
  return {
    // What a lost agent still had to say, nobody knows.
    complete: facts.every((stream) => !stream.lost && stream.lastSequence === stream.writtenSequence),
    streams: facts,
  }
}
