import type { Command } from 'commander'
import { noteAttached, type StartedRun } from './attached.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { endedWell } from './release/outcome-lines.ts'
import { reportRun } from './report-run.ts'
import type { Session } from './session.ts'
import { addTimeout, timeoutOf } from './timeout-option.ts'
import { waitForRun } from './wait-for-run.ts'

export interface RunOptions {
  wait: boolean
  yes?: boolean
  timeout?: string
}

export const addRunOptions = (command: Command): Command =>
  addTimeout(command.option('--no-wait', 'don’t wait until it is done'))

/** Follows a stop, start or destruction as the options say, reports it, and gives the exit code. */
export async function followRun(
  session: Session,
  { runId, attached }: StartedRun,
  options: RunOptions,
  words: { doing: string; done: string },
): Promise<ExitCode> {
  const { out } = session
  noteAttached(out, { runId, attached })
  if (!options.wait) {
    if (out.json) out.printJson({ runId, attached })
    else out.line(`${words.doing}. Follow it: fairway run watch ${runId}`)
    return exitCodes.ok
  }
  if (!out.json) out.note(`${words.doing} …`)
  const run = await waitForRun(session, runId, timeoutOf(options))
  if (!endedWell(run)) {
    if (!out.json && !run.reason) out.line(`It ${run.status}.`)
    return reportRun(out, run)
  }
  if (out.json) out.printJson(run)
  else out.line(`${words.done}.`)
  return exitCodes.ok
}
