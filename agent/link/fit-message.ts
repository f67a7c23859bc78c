import { create, toBinary } from '@bufbuild/protobuf'
import {
  type ControlRequest,
  ControlRequestSchema,
  LookedSchema,
  Outcome,
  TaskResultSchema,
} from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { messageLimitBytes } from './protocol.ts'

/** Room for what surrounds a message on the wire; more than a task’s result leaves. */
export const sendableBytes = messageLimitBytes - 32_768

/**
 * The message as it can be sent. One that is too large would end the stream, and be said again on the next one: that takes the
 * leases of all tasks of the host with it, whosever content it was. What somebody waits for becomes a failed answer instead;
 * undefined: nobody does.
 */
export function fitMessage(request: ControlRequest): ControlRequest | undefined {
  if (toBinary(ControlRequestSchema, request).length <= sendableBytes) return request
  const { message } = request
  if (message.case === 'looked') {
    const error =
      'What the repository says of its branches is too much for one answer: delete those that nobody needs'
    const value = create(LookedSchema, {
      lookId: message.value.lookId,
      reason: 'repository-too-large',
      error,
    })
    return create(ControlRequestSchema, { message: { case: 'looked', value } })
  }
  if (message.case === 'result') {
    const { task, startedAt, finishedAt, logLines } = message.value
    const value = create(TaskResultSchema, {
      task,
      outcome: Outcome.FAILED,
      reason: 'result-too-large',
      error: `The result of the task is larger than ${sendableBytes} bytes and cannot be sent`,
      startedAt,
      finishedAt,
      logLines,
    })
    return create(ControlRequestSchema, { message: { case: 'result', value } })
  }
  return undefined
}
