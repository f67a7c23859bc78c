import { Result, RunStatus } from '../../proto/gen/fairway/v1/common_pb.js'
import type { Run, Trouble } from '../../proto/gen/fairway/v1/runs_pb.js'
import { stepJson } from './build.ts'
import { failureJson } from './failure.ts'
import { numberOf, textOf, timeOf, wordOf } from './values.ts'

const troubleJson = (trouble: Trouble) => ({
  kind: trouble.kind,
  task: textOf(trouble.task),
  step: textOf(trouble.step),
  error: trouble.error,
  attempts: trouble.attempts,
  since: timeOf(trouble.since),
  nextAttempt: timeOf(trouble.nextAttempt),
  summary: trouble.summary,
})

export const runJson = (run: Run) => ({
  id: run.id,
  kind: run.kind,
  project: run.project,
  environment: textOf(run.environment),
  number: run.number || null,
  status: wordOf(RunStatus, run.status) ?? 'unknown',
  result: wordOf(Result, run.result),
  reason: textOf(run.reason),
  trouble: run.trouble ? troubleJson(run.trouble) : null,
  requestedBy: run.requestedBy,
  createdAt: timeOf(run.createdAt),
  startedAt: timeOf(run.startedAt),
  finishedAt: timeOf(run.finishedAt),
  steps: run.steps.map(stepJson),
  tasks: run.tasks.map((task) => ({
    id: task.id,
    kind: task.kind,
    step: task.step,
    status: wordOf(RunStatus, task.status) ?? 'unknown',
    host: task.host,
    epoch: task.epoch,
    error: textOf(task.error),
    attempt: task.attempt || 1,
    durationMs: numberOf(task.durationMs),
  })),
  artifacts: run.artifacts.map((artifact) => ({
    name: artifact.name,
    mediaType: artifact.mediaType,
    sha256: artifact.sha256,
    sizeBytes: numberOf(artifact.sizeBytes),
  })),
  manifestSha256: textOf(run.manifestSha256),
  failure: failureJson(run.failure),
  manifest: run.manifest ? (JSON.parse(run.manifest) as unknown) : null,
})
export type RunJson = ReturnType<typeof runJson>
