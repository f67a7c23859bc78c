import { spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * Do something while no other process on this machine does it with the same lock file.
 * The lock is a flock(1) held by a child that ends when our end of its standard input closes, so it can't
 * outlive this process however that dies.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const holder = spawn('flock', [path, 'sh', '-c', 'echo held; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(holder, 'close')
  const held = once(holder.stdout, 'data')
  await Promise.race([
    held,
    ended.then(([code]) => Promise.reject(new Error(`flock ${path} exited with ${code}`))),
  ])
  try {
    return await work()
  } finally {
    holder.stdin.end()
    await ended
  }
}
