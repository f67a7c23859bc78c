import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Child extends AsyncDisposable {
  readonly pid: number
  /** SIGKILL, and gone when it resolves. */
  kill(): Promise<void>
  /** SIGTERM; the exit code. */
  terminate(): Promise<number | null>
}

/** A script of this folder as a process; resolves when it printed its first line. Its errors go to ours. */
export async function startChild(script: string, env: Record<string, string>): Promise<Child> {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const child: ChildProcess = spawn(process.execPath, [path], {
    env: { PATH: process.env.PATH, FAIRWAY_LOG_LEVEL: process.env.FAIRWAY_TEST_LOG ?? 'silent', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit') as Promise<[number | null]>
  const first = await Promise.race([once(child.stdout!, 'data'), exited])
  if (!Buffer.isBuffer(first[0])) throw new Error(`${script} ended with ${first[0]} before it was ready`)
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return (await exited)[0]
  }
  return {
    pid: child.pid!,
    kill: async () => void (await end('SIGKILL')),
    terminate: () => end('SIGTERM'),
    [Symbol.asyncDispose]: async () => void (await end('SIGKILL')),
  }
}
