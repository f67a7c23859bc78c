/** Runs what concerns one cell one after the other: nobody starts a database while it is copied as a stopped one. */
export type WithLock = <T>(cellId: string, signal: AbortSignal, use: () => Promise<T>) => Promise<T>

/** Locks of this process: there is one agent for a pool. First come, first served; not reentrant. */
export function createLocks(): WithLock {
  const tails = new Map<string, Promise<void>>()
  return async (cellId, signal, use) => {
    const before = tails.get(cellId) ?? Promise.resolve()
    const { promise, resolve: release } = Promise.withResolvers<void>()
    const tail = before.then(() => promise)
    tails.set(cellId, tail)
    try {
      await unlessAborted(before, signal)
      return await use()
    } finally {
      release()
      if (tails.get(cellId) === tail) tails.delete(cellId)
    }
  }
}

async function unlessAborted(wait: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([wait, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
