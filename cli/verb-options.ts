import type { Command } from 'commander'
import type { Verb } from './verb.ts'

/** All options that a verb takes: its own, and those that every verb has. */
export function addVerbOptions(command: Command, verb: Verb): Command {
  verb.configure?.(command)
  if (verb.asks === 'yes')
    command.option('-y, --yes', 'don’t ask; needed where there is no terminal to ask on')
  return command
    .option('--json', 'print JSON')
    .option('--wide', 'tables as wide as they need, a line for each row')
    .option('--server <url>', 'the server to ask')
    .option('--token <token>', 'the token to present')
}
