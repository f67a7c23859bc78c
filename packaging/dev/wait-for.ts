import { setTimeout as delay } from 'node:timers/promises'

export type WaitOptions = { deadlineMs: number; everyMs?: number; signal?: AbortSignal }

/**
 * Ask `ready` again and again until it gives true. Throws when the deadline has passed, with the message of
 * `otherwise`; what `ready` throws ends the wait at once (say: the process to wait for has died).
 */
export async function waitFor(
  ready: () => Promise<boolean>,
  otherwise: () => string,
  { deadlineMs, everyMs = 50, signal }: WaitOptions,
): Promise<void> {
  const deadline = performance.now() + deadlineMs
  while (!(await ready())) {
    if (performance.now() > deadline) throw new Error(otherwise())
    await delay(everyMs, undefined, { signal })
  }
}
