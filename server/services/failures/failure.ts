import { create, fromJson, type JsonValue } from '@bufbuild/protobuf'
import { TaskOutputSchema } from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { type Failure, FailureSchema } from '../../../proto/gen/fairway/v1/failures_pb.js'
import { decodeLogChunk } from '../../blobs/log-chunk.ts'
import type { BlobStore } from '../../blobs/store.ts'
import { findResolveOutput } from '../../db/resolve-output.ts'
import type { Tx } from '../../db/tenancy.ts'
import { inputOfAny } from '../../operations/kinds.ts'
import { timestampOf } from '../messages.ts'
import { isUuid } from '../uuid.ts'
import { excerptOf, type Logged } from './excerpt.ts'
import { type AddonFolders, findPlace } from './place.ts'

/** What is on record about why a run failed. */
export interface Cause {
  readonly step: string
  readonly task: string
  readonly said: string
  /** Blobs of the last lines of each log that tells, in their order: the task's own, and that of the Odoo it was about. */
  readonly logs: readonly (readonly string[])[]
  readonly folders: AddonFolders
}

/** So much of its end is searched: whoever writes a log writes any amount. */
const searchedLines = 20_000
const searchedCharacters = 8_000_000

/** Undefined where the run is not red. */
export async function findCause(
  tx: Tx,
  run: {
    readonly id: string
    readonly result: string | null
    readonly reason: string
    readonly input: unknown
  },
): Promise<Cause | undefined> {
  if (run.result !== 'red') return undefined
  const step = await tx
    .selectFrom('steps')
    .select(['id', 'name'])
    .where('run_id', '=', run.id)
    .where('status', 'in', ['failed', 'timed-out'])
    .orderBy('position')
    .executeTakeFirst()
  // What puts things back comes after it.
  const task = await tx
    .selectFrom('tasks')
    .leftJoin('log_streams', 'log_streams.task_id', 'tasks.id')
    .select(['tasks.kind', 'tasks.error', 'tasks.spec', 'log_streams.id as stream_id'])
    .where('tasks.run_id', '=', run.id)
    .where('tasks.step_id', '=', step?.id ?? null)
    .where('tasks.status', 'in', ['failed', 'timed-out'])
    .orderBy('tasks.finished_at')
    .orderBy('log_streams.created_at', 'desc')
    .executeTakeFirst()
  return {
    step: step?.name ?? '',
    task: task?.kind ?? '',
    said: task?.error || run.reason,
    logs: await Promise.all(streamsOf(task).map((id) => lastChunks(tx, id))),
    folders: await foldersOf(tx, inputOfAny(run).candidateRunId ?? run.id),
  }
}

/** An Odoo that does not start, or answers wrongly, says why in a log of its own. */
function streamsOf(task: { stream_id: string | null; spec: unknown } | undefined): string[] {
  const spec = task?.spec as TaskSpecJson | undefined
  const { logStreamId } = spec?.startRuntime?.runtime ?? spec?.smoke?.runtime ?? {}
  return [task?.stream_id, logStreamId].filter((id): id is string => isUuid(id ?? ''))
}

/** As much of `TaskSpec` as is looked at. */
interface TaskSpecJson {
  readonly startRuntime?: AboutRuntime
  readonly smoke?: AboutRuntime
}
interface AboutRuntime {
  readonly runtime?: { readonly logStreamId?: string }
}

async function lastChunks(tx: Tx, streamId: string): Promise<string[]> {
  const segments = await tx
    .selectFrom('log_segments')
    .innerJoin('log_streams', 'log_streams.id', 'log_segments.stream_id')
    .select('sha256')
    .where('stream_id', '=', streamId)
    .whereRef('log_segments.last_sequence', '>', (eb) =>
      eb(eb.ref('log_streams.last_sequence'), '-', searchedLines),
    )
    .orderBy('first_sequence')
    .execute()
  return segments.map(({ sha256 }) => sha256)
}

async function foldersOf(tx: Tx, runId: string): Promise<AddonFolders> {
  const json = (await findResolveOutput(tx, runId)) as JsonValue | undefined
  const output =
    json === undefined ? undefined : fromJson(TaskOutputSchema, json, { ignoreUnknownFields: true })
  const addons = output?.kind.case === 'resolve' ? output.kind.value.addons : []
  return new Map(addons.map(({ name, path }) => [name, path]))
}

async function readEnd(blobs: BlobStore, chunks: readonly string[]): Promise<Logged[]> {
  let lines: Logged[] = []
  let characters = 0
  for (const sha256 of chunks.toReversed()) {
    if (characters > searchedCharacters) break
    const chunk = await decodeLogChunk(await blobs.get(sha256))
    characters += chunk.reduce((sum, { text }) => sum + text.length, 0)
    lines = [...chunk, ...lines]
  }
  return lines.slice(-searchedLines)
}

const lost = '(Its log is missing or damaged in the blob store: restore that from a backup.)'

/** Reads the log, outside of any transaction. Where its blobs are lost, the run is shown all the same, and that with it. */
export async function describeFailure(blobs: BlobStore, cause: Cause): Promise<Failure> {
  const logs = await Promise.allSettled(cause.logs.map((chunks) => readEnd(blobs, chunks)))
  const read = logs.flatMap((log) => (log.status === 'fulfilled' ? [log.value] : []))
  const sentence = read.length < logs.length ? `${cause.said} ${lost}` : cause.said
  const lines = read.length > 1 ? read.flat().sort((a, b) => a.unixMicros - b.unixMicros) : (read[0] ?? [])
  const excerpt = excerptOf(lines, cause.said)
  const exception = excerpt.filter((line) => line.exception).map(({ text }) => text)
  const place = findPlace(cause.said, exception, cause.folders)
  return create(FailureSchema, {
    step: cause.step,
    task: cause.task,
    sentence,
    path: place?.path ?? '',
    line: place?.line ?? 0,
    log: excerpt.map(({ unixMicros, source, text, exception }) => ({
      time: timestampOf(new Date(Math.floor(unixMicros / 1_000))),
      source,
      text,
      exception,
    })),
  })
}
