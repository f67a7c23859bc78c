import { nodeHash } from './hashes.ts'

/** Whether the proof leads from the leaf's hash to the root (RFC 9162 section 2.1.3.2). */
export function isIncluded(
  { index, size, root }: { index: number; size: number; root: Uint8Array },
  leafHash: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!(Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size)) return false
  let at = index
  let last = size - 1
  let hash = leafHash
  for (const sibling of proof) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(sibling, hash)
      while (at % 2 === 0 && at !== 0) {
        at /= 2
        last = half(last)
      }
    } else {
      hash = nodeHash(hash, sibling)
    }
    at = half(at)
    last = half(last)
  }
  return last === 0 && equal(hash, root)
}

export interface TreeHead {
  readonly size: number
  readonly root: Uint8Array
}

const half = (value: number) => Math.floor(value / 2)
const equal = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0
