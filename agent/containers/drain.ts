import { setTimeout as delay } from 'node:timers/promises'
import type { ProxyAdmin } from './proxy-admin.ts'

const everyMs = 100
/** A request that has its address but is not counted yet is seen by the next look. */
const quietLooks = 3

/**
 * Waits until the proxy has no request left with an address, or until the time is over.
 *
 * @returns how many requests are left; undefined when the proxy did not say so to the end.
 */
export async function untilDrained(
  admin: Pick<ProxyAdmin, 'listRequests'>,
  address: string,
  withinMs: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  const deadline = performance.now() + withinMs
  let quiet = 0
  for (;;) {
    const left = await countRequests(admin, address, signal)
    quiet = left === 0 ? quiet + 1 : 0
    if (quiet >= quietLooks) return 0
    if (performance.now() >= deadline) return left
    await delay(everyMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

async function countRequests(
  admin: Pick<ProxyAdmin, 'listRequests'>,
  address: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    return (await admin.listRequests(signal)).get(address) ?? 0
  } catch (error) {
    signal.throwIfAborted()
    // A proxy that is not there has no requests.
    return ['ENOENT', 'ECONNREFUSED'].includes((error as NodeJS.ErrnoException).code ?? '') ? 0 : undefined
  }
}
