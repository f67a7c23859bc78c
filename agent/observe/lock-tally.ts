/** A table as one look at pg_locks saw it locked. */
export interface SeenLock {
  table: string
  mode: string
  /** When the transaction that holds it began. */
  xactStartMs: number
}

export interface TableLock {
  table: string
  mode: string
  heldMs: number
}

/** Modes that keep others from writing, weakest first. */
export const blockingModes = ['ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']

/**
 * Adds up looks at the locks. Locks are held to the end of their transaction, so a table that is locked at a look counts
 * as locked since the look before, though not for longer than the transaction has lasted. That errs by one interval at
 * most at either end; a lock that began and ended between two looks is missed.
 */
export function createLockTally(startedMs: number) {
  const found = new Map<string, TableLock>()
  let lastMs = startedMs
  return {
    /** @param nowMs time of the look, by the clock that the locks' times are of. */
    look(nowMs: number, seen: readonly SeenLock[]): void {
      const heldBy = new Map<string, number>()
      for (const { table, mode, xactStartMs } of seen) {
        const heldMs = Math.max(0, nowMs - Math.max(lastMs, xactStartMs))
        heldBy.set(table, Math.max(heldBy.get(table) ?? 0, heldMs))
        const known = found.get(table)
        if (!known) found.set(table, { table, mode, heldMs: 0 })
        else if (strength(mode) > strength(known.mode)) known.mode = mode
      }
      for (const [table, heldMs] of heldBy) {
        const lock = found.get(table)
        if (lock) lock.heldMs += heldMs
      }
      lastMs = nowMs
    },
    /** Nobody looked since: what comes next does not count for the time between. */
    skipTo(nowMs: number): void {
      lastMs = nowMs
    },
    /** Longest first. */
    list: (): TableLock[] =>
      [...found.values()]
        .map((lock) => ({ ...lock, heldMs: Math.round(lock.heldMs) }))
        .toSorted((a, b) => b.heldMs - a.heldMs || (a.table < b.table ? -1 : 1)),
  }
}

const strength = (mode: string) => blockingModes.indexOf(mode)
