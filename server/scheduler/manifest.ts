import type { BlobStore } from '../blobs/store.ts'
import type { Engine } from './replay.ts'

/** How long a run waits, after its last task, for log lines that its agent still has on disk. */
const logGraceMs = 30_000
const logRecheckMs = 500

/**
 * The record of a run: everything it used and made, as one JSON document stored by its hash. It names logs and
 * artifacts by their hashes too, so that the one hash on the run speaks for all. (Signed statements take their
 * facts from here.) Waits until the logs are complete, and says so when they did not get complete in time.
 */
export async function recordRun(
  engine: Engine,
  blobs: BlobStore,
  outcome: { status: string; reason: string },
): Promise<string> {
  const logs = await engine.until('logs-complete', logRecheckMs, () => completeLogs(engine))
  return engine.effect('manifest', async () => {
    const bytes = Buffer.from(JSON.stringify(await manifestOf(engine, logs, outcome), undefined, 2))
    return (await blobs.put(bytes)).sha256
  })
}

interface LogFacts {
  readonly complete: boolean
  readonly streams: readonly {
    step: string
    task: string | null
    lines: number
    segments: readonly string[]
  }[]
}

async function completeLogs({ state }: Engine): Promise<LogFacts | undefined> {
  const { tx, run } = state
  const streams = await tx
    .selectFrom('log_streams')
    .innerJoin('tasks', 'tasks.id', 'log_streams.task_id')
    .select([
      'log_streams.id',
      'log_streams.step',
      'log_streams.task_id',
      'log_streams.last_sequence',
      'log_streams.closed',
      'tasks.log_lines',
      'tasks.reason',
      'tasks.finished_at',
    ])
    .where('log_streams.run_id', '=', run.id)
    .orderBy('log_streams.created_at')
    .execute()
  const behind = streams.filter((stream) => !stream.closed && stream.last_sequence < stream.log_lines)
  const newest = Math.max(...streams.map((stream) => stream.finished_at?.getTime() ?? 0), 0)
  if (behind.length > 0 && Date.now() - newest < logGraceMs) return undefined
  const segments = await tx
    .selectFrom('log_segments')
    .innerJoin('log_streams', 'log_streams.id', 'log_segments.stream_id')
    .select(['log_segments.stream_id', 'log_segments.sha256'])
    .where('log_streams.run_id', '=', run.id)
    .orderBy('log_segments.first_sequence')
    .execute()
  return {
    // What a lost agent still had to say, nobody knows.
    complete: behind.length === 0 && !streams.some(({ reason }) => reason === 'lost'),
    streams: streams.map((stream) => ({
      step: stream.step,
      task: stream.task_id,
      lines: stream.last_sequence,
      segments: segments.filter(({ stream_id }) => stream_id === stream.id).map(({ sha256 }) => sha256),
    })),
  }
}

async function manifestOf(engine: Engine, logs: LogFacts, outcome: { status: string; reason: string }) {
  const { tx, run, project, environment, organization, branch } = engine.state
  const fresh = await tx
    .selectFrom('runs')
    .select(['commit', 'commit_message'])
    .where('id', '=', run.id)
    .executeTakeFirstOrThrow()
  const steps = await tx
    .selectFrom('steps')
    .select(['name', 'status', 'summary', 'started_at', 'finished_at'])
    .where('run_id', '=', run.id)
    .where('name', '<>', 'record')
    .orderBy('position')
    .execute()
  const tasks = await tx
    .selectFrom('tasks')
    .innerJoin('hosts', 'hosts.id', 'tasks.host_id')
    .select([
      'tasks.id',
      'tasks.key',
      'tasks.kind',
      'tasks.status',
      'tasks.epoch',
      'tasks.error',
      'tasks.started_at',
      'tasks.finished_at',
      'hosts.name as host',
    ])
    .where('run_id', '=', run.id)
    .orderBy('tasks.created_at')
    .execute()
  const artifacts = await tx
    .selectFrom('artifacts')
    .select(['name', 'media_type', 'sha256', 'size_bytes'])
    .where('run_id', '=', run.id)
    .orderBy('created_at')
    .execute()
  return {
    version: 1,
    run: {
      id: run.id,
      kind: run.kind,
      number: run.number,
      trigger: run.trigger,
      requestedBy: run.requested_by,
    },
    organization,
    project: { name: project.name, repository: project.repository_url },
    environment: { id: environment.id, name: environment.name, stage: environment.stage },
    source: { branch: branch?.name, commit: fresh.commit, message: fresh.commit_message },
    outcome: { ...outcome, warnings: [...engine.warnings] },
    ...engine.record,
    steps,
    tasks,
    artifacts,
    logs,
    times: { created: run.created_at, started: run.started_at },
  }
}
