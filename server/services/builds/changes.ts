import type { SignalKind, Signals } from '../../db/signals.ts'

/**
 * Runs once at once, then after each signal that `concerns` accepts and at least every `pollMs`, until aborted or
 * left. A signal that comes while the consumer is busy is remembered.
 */
export async function* changes(
  signals: Signals,
  kinds: readonly SignalKind[],
  concerns: (kind: SignalKind, id: string) => boolean,
  pollMs: number,
  abort: AbortSignal,
): AsyncGenerator<void> {
  let pending = true
  let wake: (() => void) | undefined
  const ring = () => {
    pending = true
    wake?.()
  }
  const stops = kinds.map((kind) =>
    signals.on(kind, (id) => {
      if (concerns(kind, id)) ring()
    }),
  )
  abort.addEventListener('abort', ring)
  try {
    while (!abort.aborted) {
      if (!pending) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, pollMs)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
        wake = undefined
      }
      pending = false
      if (!abort.aborted) yield
    }
  } finally {
    abort.removeEventListener('abort', ring)
    for (const stop of stops) stop()
  }
}
