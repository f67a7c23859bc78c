import { createHash } from 'node:crypto'

/*
 * RFC 6962 as the command line reckons it, for exports of the audit log and for bundles, sharing no code with the
 * server that it checks: the tests beside it hold both to the published vectors and to each other.
 */

const sha256 = (...parts: readonly (string | Uint8Array)[]): Buffer => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

export const hashLeaf = (leaf: string | Uint8Array): Buffer => sha256(Buffer.of(0), leaf)
const hashNode = (left: Uint8Array, right: Uint8Array): Buffer => sha256(Buffer.of(1), left, right)

/** A tree that leaves are added to, and whose root can be asked for at any time: one hash for each bit of its size. */
export class GrowingTree {
  #size = 0
  /** Complete subtrees by height; those of the size's bits are in use. */
  readonly #peaks: Buffer[] = []

  get size(): number {
    return this.#size
  }

  add(leaf: Buffer): void {
    let hash = leaf
    let height = 0
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2)
      hash = hashNode(this.#peaks[height++]!, hash)
    this.#peaks[height] = hash
    this.#size++
  }

  root(): Buffer {
    let root: Buffer | undefined
    for (let height = 0, rest = this.#size; rest > 0; height++, rest = Math.floor(rest / 2)) {
      if (rest % 2 === 0) continue
      const peak = this.#peaks[height]!
      root = root ? hashNode(peak, root) : peak
    }
    return root ?? sha256()
  }
}

/** The root that the proof leads to from the leaf; undefined where the proof is not of the shape it must have. */
export function rootFromProof(
  leaf: Buffer,
  index: number,
  size: number,
  proof: readonly Buffer[],
): Buffer | undefined {
  if (index < 0 || index >= size) return undefined
  const hashes = [...proof]
  const walk = (at: number, count: number): Buffer | undefined => {
    if (count === 1) return leaf
    let left = 1
    while (left * 2 < count) left *= 2
    const goesLeft = at < left
    const inner = goesLeft ? walk(at, left) : walk(at - left, count - left)
    const sibling = hashes.shift()
    if (!inner || !sibling) return undefined
    return goesLeft ? hashNode(inner, sibling) : hashNode(sibling, inner)
  }
  const root = walk(index, size)
  return hashes.length === 0 ? root : undefined
}
