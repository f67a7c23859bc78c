import { formatBytes } from '../lib/words/bytes.ts'
import { formatDuration } from '../lib/words/durations.ts'
import { formatTime } from '../lib/words/times.ts'
import { shortApproval } from './approval/detail.ts'
import { failureLines, logsCommand } from './failure-lines.ts'
import { formatAge } from './format.ts'
import type { BuildDetailJson, StepJson } from './json/build.ts'
import { keptPreview } from './kept-words.ts'
import type { Output } from './output.ts'
import { type Paint, paintWord } from './style.ts'
import { oneLine, renderTable } from './table.ts'

/** Which build it is and where it stands, in one line; why it failed has lines of its own (`failureLines`). */
export function headline(paint: Paint, build: BuildDetailJson): string {
  const status = paintWord(paint, build.result ?? build.status)
  const why = build.reason && !build.failure ? `: ${oneLine(build.reason)}` : ''
  const commit = build.commit ? ` ${build.commit.slice(0, 10)}` : ''
  return `${paint('bold', `${build.project}/${build.number}`)} ${build.branch}${commit} → ${build.stage} ${status}${why}`
}

/** A build for people, all of it. */
export function printBuild(out: Output, build: BuildDetailJson): void {
  const { paint } = out
  const failed = [...build.smoke, ...(build.neutralization?.assertions ?? [])].filter(
    (check) => !check.passed,
  )
  out.line(headline(paint, build))
  out.fields([
    ['URL', build.url],
    ['Environment', build.environment],
    ['Kept', keptPreview(build)],
    ['Commit', build.commit && `${build.commit} ${build.commitMessage?.split('\n')[0] ?? ''}`],
    ['Image', build.digest],
    [
      'Approval',
      build.approvalId &&
        `${build.approvalId} (fairway approval show ${shortApproval({ id: build.approvalId })})`,
    ],
    ['Trigger', `${build.trigger}, ${formatAge(build.createdAt)}`],
    ['Took', build.startedAt && formatDuration(build.durationMs)],
    ['Clone', cloneText(build)],
    ['Neutralization', neutralizationText(build)],
    ['Tests', testsText(build)],
    [
      'Smoke',
      build.smoke.length > 0 ? `${passed(build.smoke)} of ${build.smoke.length} checks passed` : null,
    ],
    ['Updated', build.updatedModules.join(', ')],
    ['Record', build.manifestSha256 && `sha256:${build.manifestSha256} (fairway run show ${build.id})`],
  ])
  for (const check of failed) out.line(paint('red', `failed: ${check.name} ${check.detail ?? ''}`))
  for (const failure of build.tests?.failures ?? []) out.line(paint('red', `failed test: ${failure}`))
  for (const warning of build.warnings) out.line(paint('yellow', `warning: ${warning}`))
  if (build.steps.length > 0) out.line()
  for (const line of stepTable(out, build.steps)) out.line(line)
  if (!build.failure) return
  for (const line of ['', ...failureLines(paint, build.failure), '']) out.line(line)
  out.note(`Its logs: ${logsCommand(build)}`)
}

export function stepTable(out: Output, steps: readonly StepJson[]): string[] {
  if (steps.length === 0) return []
  return renderTable(
    steps,
    [
      { title: 'STEP', value: (step) => step.name, whole: true },
      { title: 'STATUS', value: (step) => step.status, paint: (text) => paintWord(out.paint, text) },
      {
        title: 'TOOK',
        value: (step) => (step.startedAt ? formatDuration(step.durationMs) : ''),
        align: 'right',
      },
      { title: 'SUMMARY', value: (step) => step.summary ?? '' },
    ],
    out.width,
  )
}

const passed = (checks: readonly { passed: boolean }[]) => checks.filter((check) => check.passed).length

function cloneText({ clone }: BuildDetailJson): string | null {
  if (!clone) return null
  const from =
    clone.source === 'prepared' ? 'a prepared snapshot' : `${clone.source} of ${formatTime(clone.sourceTime)}`
  return `from ${from} in ${formatDuration(clone.durationMs)}, ${formatBytes(clone.bytes)}`
}

function neutralizationText({ neutralization }: BuildDetailJson): string | null {
  if (!neutralization) return null
  const { assertions, uncoveredModules } = neutralization
  const uncovered = uncoveredModules.length > 0 ? `; not covered: ${uncoveredModules.join(', ')}` : ''
  return `${passed(assertions)} of ${assertions.length} assertions hold${uncovered}`
}

function testsText({ tests }: BuildDetailJson): string | null {
  if (!tests) return null
  const reused = tests.reusedFromBuild ? ` (results of build ${tests.reusedFromBuild})` : ''
  return `${tests.total} run, ${tests.failed} failed, ${tests.errors} errors${reused}`
}
