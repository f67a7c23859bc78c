import { createHash } from 'node:crypto'
import type { Checkpoint } from './note.ts'

/** Whether the later tree begins with the earlier, not empty one: the proof of RFC 9162 section 2.1.4.2. */
export function extendsTree(earlier: Checkpoint, later: Checkpoint, proof: readonly Uint8Array[]): boolean {
  if (earlier.size < 1 || earlier.size > later.size) return false
  if (earlier.size === later.size) return proof.length === 0 && earlier.root.equals(later.root)
  // Sizes fit in 2^53; bit operations of JavaScript do not.
  let fn = BigInt(earlier.size - 1)
  let sn = BigInt(later.size - 1)
  while (fn & 1n) {
    fn >>= 1n
    sn >>= 1n
  }
  const path = fn === 0n ? [earlier.root, ...proof] : [...proof]
  let fr = path[0]
  let sr = path[0]
  if (!fr || !sr) return false
  for (const c of path.slice(1)) {
    if (sn === 0n) return false
    if (fn & 1n || fn === sn) {
      fr = node(c, fr)
      sr = node(c, sr)
      while (fn !== 0n && !(fn & 1n)) {
        fn >>= 1n
        sn >>= 1n
      }
    } else {
      sr = node(sr, c)
    }
    fn >>= 1n
    sn >>= 1n
  }
  return sn === 0n && earlier.root.equals(fr) && later.root.equals(sr)
}

const node = (left: Uint8Array, right: Uint8Array): Buffer =>
  createHash('sha256').update(Buffer.of(1)).update(left).update(right).digest()
