import type { Fault } from './fault.ts'

/** The first event that is not the one whose hash blob storage kept, and what was done to it. */
export function compareWithKept(leaves: readonly Buffer[], kept: readonly Buffer[]): Fault | undefined {
  const shared = Math.min(leaves.length, kept.length)
  let index = 0
  while (index < shared && leaves[index]!.equals(kept[index]!)) index++
  if (index < shared) return nameChange(leaves, kept, index)
  if (kept.length <= leaves.length) return undefined
  const message = `the tail was cut: blob storage kept ${kept.length} events, and there are ${leaves.length}`
  return { index, kind: 'cut', message }
}

function nameChange(leaves: readonly Buffer[], kept: readonly Buffer[], index: number): Fault {
  const isKept = isAmong(kept, leaves[index]!)
  const isThere = isAmong(leaves, kept[index]!)
  if (isThere) {
    const message = isKept
      ? `event ${index} was given the place of another one: the log was reordered`
      : `event ${index} was put in: what was in its place comes later`
    return { index, kind: isKept ? 'reordered' : 'forked', message }
  }
  const message = isKept
    ? `event ${index} was deleted, and those behind it moved up`
    : `event ${index} is not the one that blob storage kept: history was rewritten from here on`
  return { index, kind: isKept ? 'deleted' : 'forked', message }
}

const isAmong = (hashes: readonly Buffer[], wanted: Buffer): boolean =>
  hashes.some((hash) => hash.equals(wanted))
