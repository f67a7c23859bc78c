import { isScalar } from 'yaml'

const most = 2_000_000

/**
 * For yaml's option `uniqueKeys`: its own rule, which compares each key of a map with all the others. Throws where
 * there are so many that the agent would do nothing else for long, which yaml makes a fault of the document.
 */
export function boundedUniqueKeys(): (a: unknown, b: unknown) => boolean {
  let compared = 0
  return (a, b) => {
    compared++
    if (compared > most) throw new RangeError('a map has too many keys')
    return a === b || (isScalar(a) && isScalar(b) && a.value === b.value)
  }
}
