import { toJson } from '@bufbuild/protobuf'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import { Outcome, type TaskResult } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { TaskOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { AppContext } from '../context.ts'
import { withTenant } from '../db/tenancy.ts'
import { invalid, messageOf } from '../errors.ts'
import { keepAdministrator, takeOutAdministrator } from './administrator.ts'
import { isUuid } from './authenticate.ts'
import type { Session } from './session.ts'
import { lockTask, type Settlement, settleTask } from './settle.ts'

const artifactLimitBytes = 1_048_576

/**
 * Takes a result: durable when it resolves. True also for one that was taken before (the agent had not heard), false
 * for a stale epoch or a task that is not this host's. Throws DomainError on a result that makes no sense.
 */
export async function takeResult(
  { db, blobs, sealer }: Pick<AppContext, 'db' | 'blobs' | 'sealer'>,
  session: Session,
  result: TaskResult,
): Promise<boolean> {
  const { taskId = '', epoch = 0 } = result.task ?? {}
  const status = statusOf(result.outcome)
  if (!isUuid(taskId)) return false
  // Blobs first: a blob without a row is garbage, a row without its blob would be a lie.
  const artifacts: { name: string; mediaType: string; sha256: string; sizeBytes: number }[] = []
  for (const { name, mediaType, content } of result.artifacts) {
    if (content.length > artifactLimitBytes)
      throw invalid('artifact', `The artifact ${name} is larger than 1 MiB`)
    artifacts.push({ name: clean(name), mediaType: clean(mediaType), ...(await blobs.put(content)) })
  }
  const made = takeOutAdministrator(result)
  const settle = (settlement: Settlement) =>
    withTenant(db, session.op, async (tx) => {
      const task = await lockTask(tx, taskId)
      if (task?.host_id !== session.peer.hostId || task.epoch !== epoch || task.status === 'queued')
        return false
      if (task.status === 'leased') {
        await settleTask(tx, session.op, taskId, settlement)
        if (settlement.status === 'succeeded') await keepAdministrator(tx, sealer, taskId, made)
      }
      return true
    })
  try {
    return await settle({ ...settlementOf(result, status), artifacts })
  } catch (error) {
    if (!isRefusedValue(error)) throw error
    // It would be refused for ever, and its run would wait for ever.
    const why = `The agent's result cannot be kept: ${messageOf(error)}. The log says what was done.`
    return await settle({ status: 'failed', reason: 'result-unusable', error: why })
  }
}

/** PostgreSQL's class 22, data exceptions: the value is at fault, not the moment. */
const isRefusedValue = (error: unknown) => /^22...$/.test((error as { code?: string } | null)?.code ?? '')

function statusOf(outcome: Outcome): Settlement['status'] {
  switch (outcome) {
    case Outcome.SUCCEEDED:
      return 'succeeded'
    case Outcome.FAILED:
      return 'failed'
    case Outcome.CANCELLED:
      return 'cancelled'
    case Outcome.TIMED_OUT:
      return 'timed-out'
    default:
      throw invalid('outcome', `The outcome ${outcome} is not known to this server`)
  }
}

function settlementOf(result: TaskResult, status: Settlement['status']): Settlement {
  const output = result.output ?? result.found
  return {
    status,
    reason: clean(result.reason),
    error: clean(result.error),
    output: output && JSON.stringify(toJson(TaskOutputSchema, output), cleanValue),
    warnings: result.warnings.map(clean),
    logLines: Number(result.logLines),
    startedAt: result.startedAt && timestampDate(result.startedAt),
    finishedAt: result.finishedAt && timestampDate(result.finishedAt),
  }
}

/** PostgreSQL stores no NUL in text or jsonb; a log line quoted in an error may hold one. */
const clean = (text: string) => text.replaceAll('\0', '\ufffd')
const cleanValue = (_key: string, value: unknown) => (typeof value === 'string' ? clean(value) : value)
