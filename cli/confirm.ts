import { CliError, usageError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import { typedLine } from './question.ts'

/**
 * Asks before what destroys, stops, takes away or approves. Where nobody could answer, on no terminal, it takes `--yes`: a
 * script says that it means it. A verb that calls this has `asks`, which gives it the option.
 *
 * @throws CliError wrong use where there is neither a terminal nor `--yes`; a failure where the answer is no.
 */
export async function requireConfirmed(question: string, yes: boolean, signal: AbortSignal): Promise<void> {
  if (yes) return
  if (!isTerminal())
    throw usageError(
      `${question} Nothing was done, as there is no terminal on which to answer. To go ahead: the same with --yes`,
    )
  const answer = await typedLine(`${question} [y/N] `, signal)
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError(exitCodes.failure, 'Nothing was done.')
}

/** The name, typed on a terminal. @throws CliError wrong use where there is none: `option` says it there. */
export async function requireTyped(name: string, option: string, signal: AbortSignal): Promise<string> {
  if (!isTerminal())
    throw usageError(
      `Nothing was done, as there is no terminal on which to type ${name}. To go ahead: the same with ${option} ${name}`,
    )
  const answer = await typedLine(`Type ${name} to go on: `, signal)
  if (answer.trim() === name) return name
  throw new CliError(exitCodes.failure, 'Nothing was done.')
}

const isTerminal = () => process.stdin.isTTY === true && process.stderr.isTTY === true
