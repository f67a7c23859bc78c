import type { Ref } from './journal.ts'

/**
 * Until when the agent may take destructive steps for a task, by the monotonic clock: it goes on while the process is
 * stopped and does not follow the wall clock. A lease that ran out stops nothing that runs; it only holds back the
 * next destructive step until a server renews it, so an event loop that was busy past a lease loses time, not work.
 */
export interface Leases {
  /** `startMs` is when the renewal was sent (or the offer received): the server counts from later. */
  extend(refs: readonly Ref[], startMs: number, leaseMs: number): void
  isHeld(ref: Ref): boolean
  /** Resolves once the lease is held; rejects with the signal's reason. */
  held(ref: Ref, signal: AbortSignal): Promise<void>
  release(ref: Ref): void
  nowMs(): number
}

const keyOf = ({ taskId, epoch }: Ref) => `${taskId}:${epoch}`

export function createLeases(nowMs: () => number = () => performance.now()): Leases {
  const deadlines = new Map<string, number>()
  const waiting = new Map<string, Set<() => void>>()
  const isHeld = (ref: Ref) => nowMs() < (deadlines.get(keyOf(ref)) ?? Number.NEGATIVE_INFINITY)

  return {
    nowMs,
    isHeld,
    extend(refs, startMs, leaseMs) {
      for (const ref of refs) {
        const key = keyOf(ref)
        deadlines.set(key, Math.max(deadlines.get(key) ?? Number.NEGATIVE_INFINITY, startMs + leaseMs))
        if (!isHeld(ref)) continue
        for (const wake of waiting.get(key) ?? []) wake()
        waiting.delete(key)
      }
    },
    held(ref, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        if (isHeld(ref)) return resolve()
        const key = keyOf(ref)
        const wakers = waiting.get(key) ?? new Set()
        waiting.set(key, wakers)
        const aborted = () => {
          wakers.delete(wake)
          reject(signal.reason)
        }
        const wake = () => {
          signal.removeEventListener('abort', aborted)
          resolve()
        }
        wakers.add(wake)
        signal.addEventListener('abort', aborted, { once: true })
      })
    },
    release(ref) {
      deadlines.delete(keyOf(ref))
    },
  }
}
