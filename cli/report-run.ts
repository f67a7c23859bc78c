import { type ExitCode, exitCodes } from './exit-codes.ts'
import { failureLines, logsCommand } from './failure-lines.ts'
import type { RunJson } from './json/run.ts'
import type { Output } from './output.ts'
import { endedWell } from './release/outcome-lines.ts'
import { oneLine } from './table.ts'

/**
 * Says of a run that did not end well why, and which command has its log. Nothing with --json: it is in the document.
 * `reasonIsSaid`: the caller has said the reason; what a log has beyond it is shown.
 */
export function explainFailure(out: Output, run: RunJson, { reasonIsSaid = false } = {}): void {
  if (out.json || endedWell(run)) return
  if (run.failure && (run.failure.log.length > 0 || !reasonIsSaid))
    for (const line of ['', ...failureLines(out.paint, run.failure), '']) out.line(line)
  out.note(`Its logs: ${logsCommand(run)}`)
}

/** Prints how it ended and gives the exit code. */
export function reportRun(out: Output, run: RunJson): ExitCode {
  if (out.json) out.printJson(run)
  else if (run.reason && !run.failure) out.line(`${run.result ?? run.status}: ${oneLine(run.reason)}`)
  explainFailure(out, run)
  return endedWell(run) ? exitCodes.ok : exitCodes.failure
}
