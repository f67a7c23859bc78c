import type { ReadLogsRequest } from '../../../proto/gen/fairway/v1/logs_pb.js'
import type { AppContext } from '../../context.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { invalid } from '../../errors.ts'
import type { Caller } from '../../governance/authorize.ts'
import { changes } from '../builds/changes.ts'
import { type Cursor, type Line, type LogFilter, readNew, readTail, streamIds } from './log-segments.ts'
import { requireStep, requireSubject } from './log-subject.ts'

export interface WantedLogs extends LogFilter {
  readonly subject: ReadLogsRequest['subject']
  readonly follow: boolean
  /** The last lines only; 0: all. */
  readonly tail: number
}

const pollMs = 1_000
/** An agent's last lines may reach us later than its last result; after that long they are not waited for. */
const patienceMs = 30_000
/** For the lines of tasks that ended without a result, which nobody counted. */
const settleMs = 1_000
const mostTail = 100_000
const batchLines = 500
const batchCharacters = 256 * 1024

/**
 * Lines in batches, in the order they were written, from durable segments alone: history and tail are one source.
 * With `follow` it goes on until the run has ended and its streams are drained (an environment: until aborted).
 * A slow consumer holds up nobody else. Throws what requireSubject and requireStep throw, `invalid-tail`.
 */
export async function* readLogs(
  context: AppContext,
  caller: Caller,
  wanted: WantedLogs,
  abort: AbortSignal,
): AsyncGenerator<Line[]> {
  if (wanted.tail > mostTail) throw invalid('tail', `At most ${mostTail} lines can be asked for with tail.`)
  const subject = await withTenant(context.db, caller, async (tx) => {
    const found = await requireSubject(tx, wanted.subject)
    await requireStep(tx, found, wanted.step)
    return found
  })
  const cursor: Cursor = new Map()
  if (wanted.tail > 0) {
    yield* batches(await readTail(context, caller, subject, wanted, wanted.tail, cursor))
  }
  let streams: string[] = []
  const concerns = (_: string, id: string) => id === subject.runId || streams.includes(id)
  for await (const _ of changes(context.signals, ['log', 'run'], concerns, pollMs, abort)) {
    const state = await withTenant(context.db, caller, async (tx) => {
      await requireStep(tx, subject, wanted.step)
      return {
        streams: await streamIds(tx, subject),
        drained: subject.runId ? await isDrained(tx, subject.runId) : false,
      }
    })
    streams = state.streams
    for await (const lines of readNew(context, caller, subject, wanted, cursor)) {
      yield* batches(lines)
      if (abort.aborted) return
    }
    // What was durable when the run was found drained has been read by now.
    if (!wanted.follow || state.drained) return
  }
}

/** Whether the run has ended and all the lines that its tasks wrote are durable. */
async function isDrained(tx: Tx, runId: string): Promise<boolean> {
  const { finished_at } = await tx
    .selectFrom('runs')
    .select('finished_at')
    .where('id', '=', runId)
    .executeTakeFirstOrThrow()
  const endedMs = finished_at === null ? 0 : Date.now() - finished_at.getTime()
  if (endedMs < settleMs) return false
  if (endedMs > patienceMs) return true
  const behind = await tx
    .selectFrom('log_streams')
    .innerJoin('tasks', 'tasks.id', 'log_streams.task_id')
    .select('log_streams.id')
    .where('log_streams.run_id', '=', runId)
    .where('log_streams.closed', '=', false)
    .whereRef('log_streams.last_sequence', '<', 'tasks.log_lines')
    .executeTakeFirst()
  return behind === undefined
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
