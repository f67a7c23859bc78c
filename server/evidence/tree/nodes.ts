import { emptyRoot, nodeHash } from './hashes.ts'

/** The root of a complete subtree: of the 2^level leaves from index · 2^level on. Level 0 is the leaves. */
export interface NodeId {
  readonly level: number
  readonly index: number
}

export interface Node extends NodeId {
  readonly hash: Buffer
}

/** The leaves from `start` up to, and without, `end`. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** The fewest complete subtrees that the range consists of, from left to right. */
export function nodesOfRange({ start, end }: Range): NodeId[] {
  const nodes: NodeId[] = []
  for (let at = start; at < end; ) {
    let level = 0
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= end) level++
    nodes.push({ level, index: at / 2 ** level })
    at += 2 ** level
  }
  return nodes
}

/**
 * Hash over the subtrees that a range consists of, as RFC 6962 joins them: those on the right first. For ranges that
 * begin where a subtree at least as large as they are may begin (a whole tree, a part of a proof).
 */
export const joinHashes = (hashes: readonly Buffer[]): Buffer =>
  hashes.length === 0 ? emptyRoot : hashes.reduceRight((right, left) => nodeHash(left, right))

/** Subtrees that a tree of `size` leaves consists of: what is needed to append to it, and to compute its root. */
export interface Frontier {
  readonly size: number
  /** Those of `nodesOfRange({start: 0, end: size})`. */
  readonly hashes: readonly Buffer[]
}

export const emptyFrontier: Frontier = { size: 0, hashes: [] }

export const rootOf = ({ hashes }: Frontier): Buffer => joinHashes(hashes)

/** Appends leaves. `made` are the nodes above them that are complete from now on, lower ones first. */
export function appendLeaves(
  frontier: Frontier,
  leaves: readonly Buffer[],
): { frontier: Frontier; made: Node[] } {
  const hashes = [...frontier.hashes]
  const made: Node[] = []
  let { size } = frontier
  for (const leaf of leaves) {
    let hash = leaf
    let index = size
    for (let level = 1; index % 2 === 1; level++) {
      hash = nodeHash(hashes.pop()!, hash)
      index = (index - 1) / 2
      made.push({ level, index, hash })
    }
    hashes.push(hash)
    size++
  }
  return { frontier: { size, hashes }, made }
}
