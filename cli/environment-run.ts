import type { Command } from 'commander'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import { logsCommand } from './failure-lines.ts'
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

/** Follows a stop, start or destruction as the options say, and reports it. Throws CliError when it failed. */
export async function followRun(
  session: Session,
  runId: string,
  options: RunOptions,
  words: { doing: string; done: string },
): Promise<undefined> {
  const { out } = session
  if (!options.wait) {
    if (out.json) out.printJson({ runId })
    else out.line(`${words.doing}. Follow it: fairway run watch ${runId}`)
    return undefined
  }
  if (!out.json) out.note(`${words.doing} …`)
  const run = await waitForRun(session, runId, timeoutOf(options))
  if (out.json) out.printJson(run)
  if (run.status !== 'succeeded') {
    throw new CliError(
      exitCodes.failure,
      `It ${run.status}${run.reason ? `: ${run.reason}` : ''}. Its logs: ${logsCommand(run)}`,
    )
  }
  if (!out.json) out.line(`${words.done}.`)
  return undefined
}
