import type { Failure } from '../../proto/gen/fairway/v1/failures_pb.js'
import { textOf, timeOf } from './values.ts'

/** Why a run is red, whole; null where it is not. */
export const failureJson = (failure: Failure | undefined) =>
  failure
    ? {
        step: textOf(failure.step),
        task: textOf(failure.task),
        sentence: failure.sentence,
        path: textOf(failure.path),
        line: failure.line || null,
        log: failure.log.map(({ time, source, text, exception }) => ({
          time: timeOf(time),
          source,
          text,
          exception,
        })),
      }
    : null
export type FailureJson = NonNullable<ReturnType<typeof failureJson>>
