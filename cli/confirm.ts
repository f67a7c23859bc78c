import { Code, ConnectError } from '@connectrpc/connect'
import { MemberService } from '../proto/gen/fairway/v1/members_pb.js'
import { CliError, usageError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import { foldText } from './fold-text.ts'
import { typedLine } from './question.ts'
import type { Session } from './session.ts'
import { terminalWidth } from './terminal-width.ts'

/** What the verb goes on to do, as the server's matrix names it, and where. */
export interface Needs {
  readonly permission: string
  /** Left out: in the organization. */
  readonly project?: string
  /** Its name, its branch's, or a stage; empty or left out: in the whole project. */
  readonly environment?: string
}

/**
 * Asks before what destroys, stops, takes away or approves. Where nobody could answer, on no terminal, it takes `--yes`: a
 * script says that it means it. Who may not do it is told so, and not asked. A verb that calls this has `asks`, which gives
 * it the option.
 *
 * @param needs left out where only the server can tell.
 * @throws CliError wrong use where there is neither a terminal nor `--yes`; not allowed; a failure where the answer is no.
 */
export async function requireConfirmed(
  session: Session,
  question: string,
  yes: boolean,
  needs?: Needs,
): Promise<void> {
  if (yes) return
  if (needs) await requireAllowed(session, needs)
  if (!isTerminal())
    throw usageError(
      `${question} Nothing was done, as there is no terminal on which to answer. To go ahead: the same with --yes`,
    )
  const asked = foldText(`${question} [y/N]`, terminalWidth(process.stderr))
  const answer = await typedLine(`${asked} `, session.signal)
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError(exitCodes.failure, 'Nothing was done.')
}

/**
 * The name, typed on a terminal.
 *
 * @throws CliError wrong use where there is none: `option` says it there; not allowed; a failure where it is another name.
 */
export async function requireTyped(
  session: Session,
  name: string,
  option: string,
  needs: Needs,
): Promise<string> {
  await requireAllowed(session, needs)
  if (!isTerminal())
    throw usageError(
      `Nothing was done, as there is no terminal on which to type ${name}. To go ahead: the same with ${option} ${name}`,
    )
  const answer = await typedLine(`Type ${name} to go on: `, session.signal)
  if (answer.trim() === name) return name
  throw new CliError(exitCodes.failure, 'Nothing was done.')
}

/**
 * The server decides again when it is done; here it is about whom to ask. A token that may not read anything cannot find
 * out, and its owner is asked.
 */
export async function requireAllowed(
  session: Session,
  { permission, project, environment }: Needs,
): Promise<void> {
  const client = await session.client(MemberService)
  const answer = await client
    .explainAccess({ permission, project, environment }, { signal: session.signal })
    .catch((error: unknown) => {
      if (error instanceof ConnectError && error.code === Code.PermissionDenied) return undefined
      throw error
    })
  if (answer?.allowed === false)
    throw new CliError(
      exitCodes.notAllowed,
      `You may not do this (${permission}): ${answer.rule}. Nothing was done.`,
    )
}

const isTerminal = () => process.stdin.isTTY === true && process.stderr.isTTY === true
