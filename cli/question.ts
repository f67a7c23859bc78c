import { createInterface } from 'node:readline/promises'
import type { Writable } from 'node:stream'
import { createDeferred } from '../lib/threads/deferred.ts'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'

/**
 * A line typed on the terminal. `echo` gets what is shown of it: standard error, or nothing of a secret.
 *
 * @throws CliError `interrupted` for Ctrl-C, a failure for Ctrl-D: whoever leaves a question has done nothing.
 */
export async function typedLine(
  question: string,
  signal: AbortSignal,
  echo: Writable = process.stderr,
): Promise<string> {
  const input = createInterface({ input: process.stdin, output: echo, terminal: true })
  const left = createDeferred<never>()
  const leave = (exitCode: 1 | 130) => left.reject(new CliError(exitCode, 'Nothing was done.'))
  // While readline reads, the terminal signals nobody. Nodes differ in what becomes of the answer then.
  input.once('SIGINT', () => leave(exitCodes.interrupted))
  input.once('close', () => leave(exitCodes.failure))
  const answer = input.question(question, { signal })
  try {
    return await Promise.race([answer, left.promise])
  } catch (error) {
    if (error instanceof CliError) process.stderr.write('\n')
    throw error
  } finally {
    input.close()
  }
}
