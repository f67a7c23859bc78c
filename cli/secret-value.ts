import { readFile } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { CliError, usageError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import { typedLine } from './question.ts'

/**
 * A value from a file as it is, from standard input without its last line end, or typed on a terminal without being
 * shown. Never from the command line, where other users of the machine and the shell's history would see it.
 */
export async function readSecretValue(
  name: string,
  fromFile: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  if (fromFile !== undefined) return textOf(await readBytes(fromFile), fromFile)
  if (!process.stdin.isTTY) {
    const given = textOf(await buffer(process.stdin), 'Standard input').replace(/\r?\n$/, '')
    if (given === '')
      throw usageError(
        `Nothing came on standard input for the value of ${name}. Pipe it there, give --from-file, or type it on a terminal.`,
      )
    return given
  }
  return await ask(`Value of ${name} (not shown): `, signal)
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new CliError(exitCodes.usage, `The file cannot be read: ${(error as Error).message}`)
  }
}

function textOf(bytes: Uint8Array, source: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw usageError(
      `${source} is not UTF-8 text. Encode it first, as in: base64 FILE | fairway secret set …`,
    )
  }
}

async function ask(question: string, signal: AbortSignal): Promise<string> {
  // readline echoes what is typed to its output.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const answer = typedLine('', signal, nowhere)
  // Only now: what is typed sooner the terminal itself would echo.
  process.stderr.write(question)
  const value = await answer
  process.stderr.write('\n')
  return value
}
