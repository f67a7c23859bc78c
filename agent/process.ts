import { spawn } from 'node:child_process'
import { StringDecoder } from 'node:string_decoder'

export interface RunOptions {
  /** Ends the whole process group: SIGTERM, and SIGKILL two seconds later. `run` then rejects with `signal.reason`. */
  signal?: AbortSignal
  /** Ends the process group likewise; `run` rejects with a ProcessError whose `timedOut` is true. */
  timeoutMs?: number
  /** Written to standard input, which is closed afterwards. Without it standard input is empty. */
  input?: string | Uint8Array
  /** Added to PATH, LANG and LC_ALL. Nothing is inherited from the agent: its environment holds secrets. */
  env?: Readonly<Record<string, string>>
  cwd?: string
  uid?: number
  gid?: number
  /** Every complete line of both streams as it comes; lines over 64 KiB arrive in pieces. */
  onLine?: (stream: 'stdout' | 'stderr', line: string) => void
  /** How many of the last bytes of each stream are kept. Default 64 KiB. */
  keepBytes?: number
  /** Exit codes that are not failures. Default: only 0. */
  okExitCodes?: readonly number[]
}

export interface RunResult {
  /** The end of standard output, at most `keepBytes`. */
  stdout: string
  stderr: string
  /** True when the beginning of standard output was dropped. */
  truncated: boolean
  exitCode: number
}

/** A command that could not be started, was killed, or ended with an exit code that means failure. */
export class ProcessError extends Error {
  override name = 'ProcessError'
  readonly command: string
  readonly exitCode: number | undefined
  readonly killedBy: string | undefined
  readonly timedOut: boolean
  readonly stdout: string
  readonly stderr: string

  constructor(command: string, how: string, details: Partial<ProcessError>, options?: ErrorOptions) {
    const tail = (details.stderr || details.stdout || '').trim().split('\n').slice(-5).join('\n')
    super(`${command} ${how}${tail ? `: ${tail}` : ''}`, options)
    this.command = command
    this.exitCode = details.exitCode
    this.killedBy = details.killedBy
    this.timedOut = details.timedOut ?? false
    this.stdout = details.stdout ?? ''
    this.stderr = details.stderr ?? ''
  }
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const LINE_LIMIT = 64 * 1024
const KILL_AFTER_MS = 2000

/**
 * Runs a command to its end: no shell, a minimal environment, a process group of its own.
 * This is the only place of the agent that spawns.
 *
 * @throws ProcessError when it fails; `signal.reason` when aborted.
 */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const { signal } = options
  signal?.throwIfAborted()
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { PATH, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', ...options.env },
    uid: options.uid,
    gid: options.gid,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const stdout = new TailBuffer(options.keepBytes ?? LINE_LIMIT)
  const stderr = new TailBuffer(options.keepBytes ?? LINE_LIMIT)
  collect(child.stdout, stdout, options.onLine && ((line) => options.onLine?.('stdout', line)))
  collect(child.stderr, stderr, options.onLine && ((line) => options.onLine?.('stderr', line)))
  // A command may end without reading its input: that is told by its exit code, not by EPIPE.
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input)

  let timedOut = false
  let killTimer: NodeJS.Timeout | undefined
  const kill = () => {
    killGroup(child.pid, 'SIGTERM')
    killTimer ??= setTimeout(() => killGroup(child.pid, 'SIGKILL'), KILL_AFTER_MS)
  }
  signal?.addEventListener('abort', kill, { once: true })
  const deadline =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true
          kill()
        }, options.timeoutMs)
  try {
    const ended = await new Promise<{ code: number | null; killedBy: string | null }>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, killedBy) => resolve({ code, killedBy }))
    })
    signal?.throwIfAborted()
    const result = { stdout: stdout.text(), stderr: stderr.text(), truncated: stdout.truncated }
    const ok = ended.code !== null && (options.okExitCodes ?? [0]).includes(ended.code)
    if (ok && !timedOut) return { ...result, exitCode: ended.code ?? 0 }
    const how = timedOut
      ? `did not end within ${options.timeoutMs} ms`
      : ended.code === null
        ? `was killed by ${ended.killedBy}`
        : `ended with exit code ${ended.code}`
    throw new ProcessError(command, how, {
      ...result,
      exitCode: ended.code ?? undefined,
      killedBy: ended.killedBy ?? undefined,
      timedOut,
    })
  } catch (error) {
    if (error instanceof ProcessError || signal?.aborted) throw error
    throw new ProcessError(command, 'could not be started', {}, { cause: error })
  } finally {
    signal?.removeEventListener('abort', kill)
    clearTimeout(deadline)
    clearTimeout(killTimer)
  }
}

function killGroup(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function collect(
  stream: NodeJS.ReadableStream,
  tail: TailBuffer,
  onLine: ((line: string) => void) | undefined,
): void {
  const decoder = new StringDecoder('utf8')
  let partial = ''
  stream.on('data', (chunk: Buffer) => {
    tail.push(chunk)
    if (!onLine) return
    const lines = (partial + decoder.write(chunk)).split('\n')
    partial = lines.pop() ?? ''
    for (const line of lines) onLine(line)
    for (; partial.length > LINE_LIMIT; partial = partial.slice(LINE_LIMIT))
      onLine(partial.slice(0, LINE_LIMIT))
  })
  stream.on('end', () => {
    if (onLine && partial !== '') onLine(partial)
  })
}

/** Keeps the last bytes of a stream. */
class TailBuffer {
  #chunks: Buffer[] = []
  #bytes = 0
  readonly #limit: number
  truncated = false

  constructor(limit: number) {
    this.#limit = limit
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    while (this.#bytes - (this.#chunks[0]?.length ?? 0) >= this.#limit && this.#chunks.length > 1) {
      this.#bytes -= this.#chunks.shift()?.length ?? 0
      this.truncated = true
    }
  }

  text(): string {
    const all = Buffer.concat(this.#chunks)
    if (all.length > this.#limit) this.truncated = true
    return all.subarray(Math.max(0, all.length - this.#limit)).toString('utf8')
  }
}
