import { createDeferred } from './deferred.ts'

export interface FairQueueLimits {
  /** The most that are taken at a time. */
  readonly places: number
  /** The most that one owner has of them. */
  readonly placesPerOwner: number
}

/**
 * Places that owners take by turns: however many one of them asks for, another waits for no more than one turn of each. What
 * one owner asks for is done in the order in which it was asked.
 */
export interface FairQueue {
  /** Resolves when it is this owner's turn; rejects with the reason of `signal` when it is aborted before. */
  enter(owner: string, signal?: AbortSignal): Promise<Place>
}

/** Taken until it is disposed of. */
export type Place = Disposable

interface Owner {
  held: number
  readonly waiting: (() => void)[]
}

export function createFairQueue({ places, placesPerOwner }: FairQueueLimits): FairQueue {
  /** Who has a place or waits for one; who has waited longest since their last turn is first. */
  const line = new Map<string, Owner>()
  let free = places

  function admit(): void {
    while (free > 0) {
      const name = findNext()
      if (name === undefined) return
      const owner = line.get(name)!
      owner.waiting.shift()!()
      owner.held++
      free--
      toEnd(name)
    }
  }

  function findNext(): string | undefined {
    for (const [name, { held, waiting }] of line) if (waiting.length > 0 && held < placesPerOwner) return name
    return undefined
  }

  /** Behind all others; out of the line, where there is nothing to be in it for. */
  function toEnd(name: string): void {
    const owner = line.get(name)!
    line.delete(name)
    if (owner.held > 0 || owner.waiting.length > 0) line.set(name, owner)
  }

  function placeOf(name: string): Place {
    return {
      [Symbol.dispose]() {
        line.get(name)!.held--
        free++
        // A turn that took long ends behind those who have come meanwhile.
        toEnd(name)
        admit()
      },
    }
  }

  return {
    async enter(name, signal) {
      signal?.throwIfAborted()
      const owner = line.get(name) ?? { held: 0, waiting: [] }
      line.set(name, owner)
      const { promise, resolve, reject } = createDeferred<void>()
      const leave = () => {
        const at = owner.waiting.indexOf(resolve)
        // It may have come to be their turn just now.
        if (at < 0) return
        owner.waiting.splice(at, 1)
        if (owner.held === 0 && owner.waiting.length === 0) line.delete(name)
        reject(signal?.reason)
      }
      owner.waiting.push(resolve)
      signal?.addEventListener('abort', leave, { once: true })
      admit()
      await promise.finally(() => signal?.removeEventListener('abort', leave))
      return placeOf(name)
    },
  }
}
