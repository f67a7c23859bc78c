import { pause } from './pause.ts'
import { isDiskFault } from './state-database.ts'

const retryMs = 1_000

/**
 * Writes to the journal, waiting for space while the disk takes nothing: a task is held up by a full disk, never
 * failed by it. Rejects with the signal's reason; any other error passes through.
 */
export async function durably<T>(write: () => T, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return write()
    } catch (error) {
      if (!isDiskFault(error)) throw error
      await pause(retryMs, signal)
      signal.throwIfAborted()
    }
  }
}
