import { readFile } from 'node:fs/promises'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import { readStdin } from './stdin.ts'

/** The text of a policy; `-` is standard input. */
export async function readPolicyFile(path: string): Promise<string> {
  if (path === '-') return await readStdin()
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new CliError(exitCodes.usage, `The file cannot be read: ${(error as Error).message}`)
  }
}

/** What is different, below a line that says from what. */
export const changeLines = (changes: readonly string[]): string[] =>
  changes.length > 0 ? changes.map((change) => `  ${change}`) : ['  nothing is different']
