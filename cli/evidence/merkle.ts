import { createHash } from 'node:crypto'

/** Hash of a leaf (RFC 6962 section 2.1). */
export const leafHash = (leaf: Uint8Array): Buffer =>
  createHash('sha256').update(Buffer.of(0)).update(leaf).digest()

const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer =>
  createHash('sha256').update(Buffer.of(1)).update(left).update(right).digest()

/** The root that the proof leads to from the leaf (RFC 9162 section 2.1.3.2); undefined when it is no such proof. */
export function rootOf(
  leaf: Buffer,
  index: number,
  size: number,
  proof: readonly Buffer[],
): Buffer | undefined {
  if (index >= size) return undefined
  let [at, last, hash] = [index, size - 1, leaf]
  for (const sibling of proof) {
    if (last === 0) return undefined
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(sibling, hash)
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)]
    } else {
      hash = nodeHash(hash, sibling)
    }
    ;[at, last] = [half(at), half(last)]
  }
  return last === 0 ? hash : undefined
}

const half = (value: number) => Math.floor(value / 2)
