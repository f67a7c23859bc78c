import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

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
  const child = spawn(process.execPath, [main, ...words], {
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
