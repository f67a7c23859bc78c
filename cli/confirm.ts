import { createInterface } from 'node:readline/promises'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'

/** Asks on a terminal; elsewhere nobody could answer, and the command line is taken at its word. */
export async function requireConfirmed(question: string, yes: boolean, signal: AbortSignal): Promise<void> {
  if (yes || !process.stdin.isTTY || !process.stderr.isTTY) return
  const input = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await input.question(`${question} [y/N] `, { signal })
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliError(exitCodes.failure, 'Nothing was done.')
  } finally {
    input.close()
  }
}

/** The name, typed on a terminal; empty elsewhere, which the server refuses. */
export async function requireTyped(name: string, signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return ''
  const input = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await input.question(`Type ${name} to go on: `, { signal })
    if (answer.trim() === name) return name
    throw new CliError(exitCodes.failure, 'Nothing was done.')
  } finally {
    input.close()
  }
}
