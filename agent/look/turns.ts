/** So many at a time, in the order in which they came. */
export interface Turns {
  /** Rejects with the signal's reason where it is aborted before its turn. */
  take<T>(signal: AbortSignal, use: () => Promise<T>): Promise<T>
}

export function createTurns(atOnce: number): Turns {
  const waiting: (() => void)[] = []
  let free = atOnce

  const wait = (signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const go = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        waiting.splice(waiting.indexOf(go), 1)
        reject(signal.reason)
      }
      waiting.push(go)
      signal.addEventListener('abort', leave, { once: true })
    })

  return {
    async take(signal, use) {
      signal.throwIfAborted()
      // A turn that is handed on is not free in between: nobody slips in before who waits.
      if (free > 0) free--
      else await wait(signal)
      try {
        return await use()
      } finally {
        const next = waiting.shift()
        if (next) next()
        else free++
      }
    },
  }
}
