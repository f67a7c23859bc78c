import { spawn } from 'node:child_process'
import { cliProgram } from '../../packaging/dev/cli-program.ts'

export interface CliResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunningCli {
  /** What it has printed so far. */
  readonly stdout: () => string
  readonly stderr: () => string
  kill(signal: NodeJS.Signals): void
  readonly end: Promise<CliResult>
}

/** The real command line in a process of its own. The environment is exactly what is given, and PATH. */
export function startCli(words: readonly string[], env: Record<string, string>, input = ''): RunningCli {
  const child = spawn(process.execPath, [cliProgram, ...words], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdin.end(input)
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString()
  })
  let noted = ''
  child.stderr.on('data', (chunk: Buffer) => {
    noted += chunk.toString()
  })
  const end = (async () => {
    const code = await new Promise<number>((resolve) => child.once('close', (exit) => resolve(exit ?? -1)))
    return { code, stdout: printed, stderr: noted }
  })()
  return { stdout: () => printed, stderr: () => noted, kill: (signal) => void child.kill(signal), end }
}

export const runCli = (words: readonly string[], env: Record<string, string>, input?: string) =>
  startCli(words, env, input).end

/**
 * The command line on a terminal, where `text` is typed once it says that what is typed is not shown. Gives all that the
 * terminal showed.
 */
export async function typeSecretly(
  words: readonly string[],
  env: Record<string, string>,
  text: string,
): Promise<string> {
  const command = [process.execPath, cliProgram, ...words].join(' ')
  const terminal = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: { ...process.env, ...env },
  })
  const ended = new Promise((resolve) => terminal.once('exit', resolve))
  let shown = ''
  const asked = new Promise<void>((resolve) => {
    terminal.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      shown += chunk
      if (shown.includes('(not shown)')) resolve()
    })
  })
  await Promise.race([asked, ended])
  terminal.stdin.write(`${text}\r`)
  await ended
  return shown
}
