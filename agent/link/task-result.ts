import { create, toBinary } from '@bufbuild/protobuf'
import { timestampFromDate, timestampFromMs } from '@bufbuild/protobuf/wkt'
import {
  Outcome,
  TaskRefSchema,
  type TaskResult,
  TaskResultSchema,
} from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { type TaskOutput, TaskOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { Logger } from '../logger.ts'
import { type TaskAborted, TaskError } from '../tasks/task.ts'
import type { Finding, JournalEntry } from './journal.ts'
import { messageLimitBytes } from './protocol.ts'
import { redactValue } from './redact-value.ts'
import type { Redactor } from './redactor.ts'

export type Ending = { readonly output: TaskOutput['kind'] } | { readonly error: unknown }

interface Ended {
  readonly entry: JournalEntry
  readonly ending: Ending
  /** Why its signal was aborted, if it was. */
  readonly aborted: TaskAborted | undefined
  readonly findings: readonly Finding[]
  /** What it knew of its output when it ended. */
  readonly found: TaskOutput['kind'] | undefined
  /** Entries written to its log stream. */
  readonly logLines: number
  readonly redactor: Redactor
  readonly log: Logger
}

const outcomes = {
  cancelled: Outcome.CANCELLED,
  'timed-out': Outcome.TIMED_OUT,
  fenced: Outcome.CANCELLED,
  shutdown: Outcome.FAILED,
}
/** Room for what surrounds a result on the wire. */
const resultLimitBytes = messageLimitBytes - 65_536

/** The result as it is journaled and sent. Work that was finished before it noticed its abort counts as done. */
export function buildResult(ended: Ended): TaskResult {
  const { entry, ending, findings, logLines, redactor } = ended
  const result = create(TaskResultSchema, {
    task: create(TaskRefSchema, { taskId: entry.taskId, epoch: entry.epoch }),
    artifacts: findings
      .filter(({ kind }) => kind === 'artifact')
      .map(({ name, mediaType, content }) => ({ name, mediaType, content })),
    warnings: findings.filter(({ kind }) => kind === 'warning').map(({ name }) => name),
    startedAt: timestampFromMs(entry.acceptedAtMs),
    finishedAt: timestampFromDate(new Date()),
    logLines: BigInt(logLines),
    ...verdict(ended),
  })
  result.error = redactor.redact(result.error)
  if (toBinary(TaskResultSchema, result).length <= resultLimitBytes) return result
  const error = `The result of the task is larger than ${resultLimitBytes} bytes and cannot be sent`
  return create(TaskResultSchema, {
    task: result.task,
    outcome: Outcome.FAILED,
    reason: 'result-too-large',
    error: 'output' in ending ? error : `${error}; the task had failed: ${result.error.slice(0, 1_000)}`,
    startedAt: result.startedAt,
    finishedAt: result.finishedAt,
    logLines: result.logLines,
  })
}

function verdict({ entry, ending, aborted, found, redactor, log }: Ended) {
  const outputOf = (kind: TaskOutput['kind']) =>
    create(TaskOutputSchema, { kind: redactValue(redactor, kind) })
  if ('output' in ending) return { outcome: Outcome.SUCCEEDED, output: outputOf(ending.output) }
  const { error } = ending
  const known = found && { found: outputOf(found) }
  if (aborted) {
    return { ...known, outcome: outcomes[aborted.why], reason: aborted.why, error: aborted.message }
  }
  if (error instanceof TaskError) {
    return { ...known, outcome: Outcome.FAILED, reason: error.reason, error: error.message }
  }
  log.error({ err: error, task: entry.taskId, epoch: entry.epoch }, 'a task failed in a way nobody foresaw')
  const text = error instanceof Error ? error.message : String(error)
  return { ...known, outcome: Outcome.FAILED, reason: 'internal', error: text.split('\n', 1)[0] ?? text }
}
