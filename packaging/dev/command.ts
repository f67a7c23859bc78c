import { spawn } from 'node:child_process'

/** A program that could not be started or ended badly; the message carries the last lines it printed. */
export class CommandError extends Error {
  readonly exitCode: number | null
  constructor(message: string, exitCode: number | null, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CommandError'
    this.exitCode = exitCode
  }
}

export type RunOptions = {
  cwd?: string
  /** Added to this process's environment. */
  env?: Record<string, string>
  /** Sent to its standard input, which is closed afterwards. */
  input?: string
  signal?: AbortSignal
}

const tailBytes = 4_000

/**
 * Run a program to its end and give its standard output.
 * Throws CommandError when it can't be started, exits with anything but 0, or is killed by a signal.
 */
export function run(program: string, args: string[], options: RunOptions = {}): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    signal: options.signal,
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  const stdout: Buffer[] = []
  let tail = ''
  const keepTail = (chunk: Buffer) => {
    tail = (tail + chunk.toString()).slice(-tailBytes)
  }
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout.push(chunk)
    keepTail(chunk)
  })
  child.stderr?.on('data', keepTail)
  child.stdin?.on('error', (error) => keepTail(Buffer.from(`(standard input: ${error.message})`)))
  child.stdin?.end(options.input)
  child.on('error', (cause) =>
    reject(new CommandError(`${program} could not be run: ${cause.message}`, null, { cause })),
  )
  child.on('close', (code, signal) => {
    if (code === 0) return resolve(Buffer.concat(stdout).toString())
    const how = signal ? `was ended by ${signal}` : `exited with ${code}`
    reject(new CommandError(`${[program, ...args].join(' ')} ${how}\n${tail.trim()}`, code))
  })
  return promise
}
