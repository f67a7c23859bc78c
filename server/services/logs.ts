import type { ReadLogsRequest } from '../../proto/gen/fairway/v1/logs_pb.js'
import type { AppContext } from '../context.ts'
import { type Tx, withTenant } from '../db/tenancy.ts'
import { invalid } from '../errors.ts'
import { requireBuild } from './build-views.ts'
import { changes } from './changes.ts'
import { requireEnvironment } from './environment-views.ts'
import {
  type Cursor,
  type Line,
  type LogFilter,
  type LogSubject,
  readNew,
  readTail,
  streamIds,
} from './log-segments.ts'
import type { Caller } from './permissions.ts'

export interface WantedLogs extends LogFilter {
  readonly subject: ReadLogsRequest['subject']
  readonly follow: boolean
  /** The last lines only; 0: all. */
  readonly tail: number
}

const pollMs = 1_000
/** An agent's last lines may reach us this long after its last result did. */
const quietMs = 2_000
const mostTail = 100_000
const batchLines = 500
const batchCharacters = 256 * 1024

/**
 * Lines in batches, in the order they were written, from durable segments alone: history and tail are one source.
 * With `follow` it goes on until the run has ended and its streams are drained (an environment: until aborted).
 * A slow consumer holds up nobody else. Throws `build-not-found`, `environment-not-found`, `invalid-tail`.
 */
export async function* readLogs(
  context: AppContext,
  caller: Caller,
  wanted: WantedLogs,
  abort: AbortSignal,
): AsyncGenerator<Line[]> {
  if (wanted.tail > mostTail) throw invalid('tail', `At most ${mostTail} lines can be asked for with tail.`)
  const subject = await withTenant(context.db, caller, (tx) => requireSubject(tx, wanted.subject))
  const cursor: Cursor = new Map()
  if (wanted.tail > 0) {
    yield* batches(await readTail(context, caller, subject, wanted, wanted.tail, cursor))
  }
  let streams: string[] = []
  const concerns = (_: string, id: string) => id === subject.runId || streams.includes(id)
  for await (const _ of changes(context.signals, ['log', 'run'], concerns, pollMs, abort)) {
    const state = await withTenant(context.db, caller, async (tx) => ({
      streams: await streamIds(tx, subject),
      quiet: subject.runId ? await isQuiet(tx, subject.runId) : false,
    }))
    streams = state.streams
    let silent = true
    for await (const lines of readNew(context, caller, subject, wanted, cursor)) {
      silent = false
      yield* batches(lines)
      if (abort.aborted) return
    }
    if (!wanted.follow || (state.quiet && silent)) return
  }
}

async function requireSubject(tx: Tx, subject: ReadLogsRequest['subject']): Promise<LogSubject> {
  if (subject.case === 'build') return { runId: (await requireBuild(tx, subject.value)).id }
  if (subject.case === 'environment')
    return { environmentId: (await requireEnvironment(tx, subject.value)).id }
  throw invalid('subject', 'Name a build or an environment.')
}

/** Whether the run ended so long ago that no line is on its way any more. */
async function isQuiet(tx: Tx, runId: string): Promise<boolean> {
  const { finished_at } = await tx
    .selectFrom('runs')
    .select('finished_at')
    .where('id', '=', runId)
    .executeTakeFirstOrThrow()
  return finished_at !== null && Date.now() - finished_at.getTime() > quietMs
}

function* batches(lines: readonly Line[]): Generator<Line[]> {
  let batch: Line[] = []
  let characters = 0
  for (const line of lines) {
    if (batch.length > 0 && (batch.length >= batchLines || characters + line.text.length > batchCharacters)) {
      yield batch
      batch = []
      characters = 0
    }
    batch.push(line)
    characters += line.text.length
  }
  if (batch.length > 0) yield batch
}
