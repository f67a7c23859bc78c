import type { OpenFailedResponse } from '../proto/gen/fairway/v1/environments_pb.js'
import type { RunOptions } from './environment-run.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { openEnvironment } from './open-environment.ts'
import { endedWell } from './release/outcome-lines.ts'
import { reportRun } from './report-run.ts'
import type { Session } from './session.ts'
import { oneLine } from './table.ts'
import { timeoutOf } from './timeout-option.ts'
import { waitForRun } from './wait-for-run.ts'

/** Follows the run that opens what a failed update left, and then prints where it is; gives the exit code. */
export async function openFailed(
  session: Session,
  { runId, attached, project, environment }: Omit<OpenFailedResponse, '$typeName'>,
  options: RunOptions,
): Promise<ExitCode> {
  const { out } = session
  const name = `${project}/${environment}`
  if (!options.wait) {
    if (out.json) out.printJson({ runId, attached, project, environment })
    else if (attached) out.line(`${name} is open, or is being opened: fairway run watch ${runId}`)
    else out.line(`${name} is being opened. Follow it: fairway run watch ${runId}`)
    return exitCodes.ok
  }
  if (!out.json) out.note(attached ? `${name} is open, or is being opened.` : `Opening ${name} …`)
  const run = await waitForRun(session, runId, timeoutOf(options))
  if (!endedWell(run)) return reportRun(out, run)
  if (!out.json && run.reason) out.note(out.paint('yellow', `warning: ${oneLine(run.reason)}`))
  await openEnvironment(session, { project, environment })
  return exitCodes.ok
}
