import type { Build, Step } from '../../proto/gen/fairway/v1/builds_pb.js'
import { Result, RunStatus, Stage } from '../../proto/gen/fairway/v1/common_pb.js'
import { failureJson } from './failure.ts'
import { numberOf, textOf, timeOf, wordOf } from './values.ts'

/** A line of `build list --json`; scripts depend on the keys. */
export const buildJson = (build: Build) => ({
  number: build.number,
  project: build.project,
  branch: build.branch,
  stage: wordOf(Stage, build.stage),
  status: wordOf(RunStatus, build.status) ?? 'unknown',
  result: wordOf(Result, build.result),
  reason: textOf(build.reason),
  commit: textOf(build.commit),
  commitMessage: textOf(build.commitMessage),
  digest: textOf(build.digest),
  environment: textOf(build.environment),
  url: textOf(build.url),
  approvalId: textOf(build.approvalId),
  trigger: build.trigger,
  createdAt: timeOf(build.createdAt),
  startedAt: timeOf(build.startedAt),
  finishedAt: timeOf(build.finishedAt),
  durationMs: numberOf(build.durationMs),
  id: build.id,
})
export type BuildJson = ReturnType<typeof buildJson>

export const stepJson = (step: Step) => ({
  name: step.name,
  status: wordOf(RunStatus, step.status) ?? 'unknown',
  durationMs: numberOf(step.durationMs),
  startedAt: timeOf(step.startedAt),
  summary: textOf(step.summary),
  attempts: step.attempts,
})
export type StepJson = ReturnType<typeof stepJson>

/** `build show --json`. */
export const buildDetailJson = (build: Build) => ({
  ...buildJson(build),
  steps: build.steps.map(stepJson),
  clone: build.clone
    ? {
        source: build.clone.source,
        sourceTime: timeOf(build.clone.sourceTime),
        durationMs: numberOf(build.clone.durationMs),
        bytes: numberOf(build.clone.bytes),
      }
    : null,
  neutralization: build.neutralization
    ? {
        assertions: build.neutralization.assertions.map(checkJson),
        uncoveredModules: build.neutralization.uncoveredModules,
      }
    : null,
  tests: build.tests
    ? {
        total: build.tests.total,
        failed: build.tests.failed,
        errors: build.tests.errors,
        failures: build.tests.failures,
        reusedFromBuild: build.tests.reusedFromBuild || null,
      }
    : null,
  smoke: build.smoke.map(checkJson),
  warnings: build.warnings,
  updatedModules: build.updatedModules,
  manifestSha256: textOf(build.manifestSha256),
  failure: failureJson(build.failure),
  kept: build.kept
    ? {
        environment: build.kept.environment,
        url: build.kept.url,
        until: timeOf(build.kept.until),
        open: build.kept.open,
      }
    : null,
})
export type BuildDetailJson = ReturnType<typeof buildDetailJson>

const checkJson = (check: { name: string; passed: boolean; detail: string }) => ({
  name: check.name,
  passed: check.passed,
  detail: textOf(check.detail),
})
