import { joinHashes, type NodeId, nodesOfRange, type Range } from './nodes.ts'

/**
 * Ranges whose hashes prove that leaf `index` is in the tree of `size` leaves, from the leaf upwards
 * (RFC 6962 section 2.1.1). Throws RangeError when there is no such leaf.
 */
export function inclusionRanges(index: number, size: number): Range[] {
  if (!(index >= 0 && index < size)) throw new RangeError(`There is no leaf ${index} in a tree of ${size}`)
  const path = ({ start, end }: Range): Range[] => {
    if (end - start === 1) return []
    const middle = start + split(end - start)
    return index < middle
      ? [...path({ start, end: middle }), { start: middle, end }]
      : [...path({ start: middle, end }), { start, end: middle }]
  }
  return path({ start: 0, end: size })
}

/**
 * Ranges whose hashes prove that the tree of `to` leaves begins with the tree of `from` leaves (RFC 6962 section
 * 2.1.2). None where either is empty or both are the same. Throws RangeError when `from` is the larger one.
 */
export function consistencyRanges(from: number, to: number): Range[] {
  if (!(from >= 0 && from <= to)) throw new RangeError(`A tree of ${to} cannot begin with one of ${from}`)
  if (from === 0 || from === to) return []
  const path = ({ start, end }: Range, whole: boolean): Range[] => {
    if (from === end) return whole ? [] : [{ start, end }]
    const middle = start + split(end - start)
    return from <= middle
      ? [...path({ start, end: middle }, whole), { start: middle, end }]
      : [...path({ start: middle, end }, false), { start, end: middle }]
  }
  return path({ start: 0, end: to }, true)
}

/** Hashes of the ranges, computed from the nodes that `hashesOf` gives in the order it was asked for them. */
export async function proofOf(
  ranges: readonly Range[],
  hashesOf: (nodes: readonly NodeId[]) => Promise<readonly Buffer[]> | readonly Buffer[],
): Promise<Buffer[]> {
  const parts = ranges.map(nodesOfRange)
  const hashes = await hashesOf(parts.flat())
  let taken = 0
  return parts.map(({ length }) => {
    const own = hashes.slice(taken, taken + length)
    taken += length
    return joinHashes(own)
  })
}

/** The greatest power of two below `count`. */
function split(count: number): number {
  let power = 1
  while (power * 2 < count) power *= 2
  return power
}
