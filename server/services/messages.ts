import { type Timestamp, timestampFromDate } from '@bufbuild/protobuf/wkt'
import { Result, RunStatus, Stage } from '../../proto/gen/fairway/v1/common_pb.js'
import type * as projects from '../db/tables/projects.ts'
import type * as runs from '../db/tables/runs.ts'

/** Words of the database as the enums of the public API, and back. */
export const stages: Record<projects.Stage, Stage> = {
  production: Stage.PRODUCTION,
  staging: Stage.STAGING,
  development: Stage.DEVELOPMENT,
}

export const stageFromMessage = (stage: Stage): projects.Stage | undefined =>
  (Object.keys(stages) as projects.Stage[]).find((key) => stages[key] === stage)

export const runStatuses: Record<runs.RunStatus, RunStatus> = {
  queued: RunStatus.QUEUED,
  running: RunStatus.RUNNING,
  succeeded: RunStatus.SUCCEEDED,
  failed: RunStatus.FAILED,
  cancelled: RunStatus.CANCELLED,
  superseded: RunStatus.SUPERSEDED,
  'timed-out': RunStatus.TIMED_OUT,
}

export const taskStatuses: Record<runs.TaskStatus, RunStatus> = {
  queued: RunStatus.QUEUED,
  leased: RunStatus.RUNNING,
  succeeded: RunStatus.SUCCEEDED,
  failed: RunStatus.FAILED,
  cancelled: RunStatus.CANCELLED,
  'timed-out': RunStatus.TIMED_OUT,
}

export const results: Record<runs.Result, Result> = {
  green: Result.GREEN,
  yellow: Result.YELLOW,
  red: Result.RED,
}

export const resultOf = (result: runs.Result | null): Result =>
  result ? results[result] : Result.UNSPECIFIED

export const timestampOf = (time: Date | null | undefined): Timestamp | undefined =>
  time ? timestampFromDate(time) : undefined

/** How long something took, or has taken until now; 0 before it began. */
export const elapsedMs = (started: Date | null, finished: Date | null): bigint =>
  started ? BigInt(Math.max(0, (finished ?? new Date()).getTime() - started.getTime())) : 0n
