import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { extendsTree } from '../../../agent/audit/consistency.ts'
import * as vectors from '../../../test/support/merkle-vectors.ts'
import { leafHash, nodeHash } from './hashes.ts'
import { appendLeaves, emptyFrontier, type NodeId, rootOf } from './nodes.ts'
import { consistencyRanges, inclusionRanges, proofOf } from './proofs.ts'
import { isIncluded } from './verify.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytes = (text: string) => Buffer.from(text, 'hex')

/** A tree as the database keeps it: leaves, and nodes of complete subtrees. */
function treeOf(leaves: readonly Buffer[]) {
  const { frontier, made } = appendLeaves(emptyFrontier, leaves)
  const nodes = new Map(made.map((node) => [`${node.level}/${node.index}`, node.hash]))
  return {
    root: rootOf(frontier),
    hashesOf: (ids: readonly NodeId[]) =>
      ids.map(({ level, index }) => (level === 0 ? leaves[index]! : nodes.get(`${level}/${index}`)!)),
  }
}

const published = vectors.leaves.map((leaf) => leafHash(bytes(leaf)))
const rootAt = (size: number) => bytes(vectors.roots[size - 1]!)

describe('the published vectors', () => {
  it('have our roots', () => {
    expect(hex(rootOf(emptyFrontier))).toBe(vectors.emptyRoot)
    for (const [index, root] of vectors.roots.entries()) {
      expect(hex(treeOf(published.slice(0, index + 1)).root)).toBe(root)
    }
  })

  it.each(vectors.inclusionProofs)(
    'have our proof of leaf $index in $size',
    async ({ index, size, proof }) => {
      const ours = await proofOf(inclusionRanges(index, size), treeOf(published.slice(0, size)).hashesOf)
      expect(ours.map(hex)).toEqual(proof)
      expect(isIncluded({ index, size, root: rootAt(size) }, published[index]!, proof.map(bytes))).toBe(true)
    },
  )

  it.each(vectors.consistencyProofs)('have our proof from $from to $to', async ({ from, to, proof }) => {
    const ours = await proofOf(consistencyRanges(from, to), treeOf(published.slice(0, to)).hashesOf)
    expect(ours.map(hex)).toEqual(proof)
    const earlier = { size: from, root: rootAt(from) }
    expect(extendsTree(earlier, { size: to, root: rootAt(to) }, proof.map(bytes))).toBe(true)
  })
})

/** RFC 6962 section 2.1, word by word. */
function definition(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0]!
  let k = 1
  while (k * 2 < leaves.length) k *= 2
  return nodeHash(definition(leaves.slice(0, k)), definition(leaves.slice(k)))
}

const someLeaves = (count: number) => Array.from({ length: count }, () => randomBytes(32))

describe('a tree', () => {
  it('has the root of the definition, however its leaves came', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(sizes, (batches) => {
        let frontier = emptyFrontier
        const all: Buffer[] = []
        for (const count of batches) {
          const leaves = someLeaves(count)
          all.push(...leaves)
          frontier = appendLeaves(frontier, leaves).frontier
        }
        expect(frontier.size).toBe(all.length)
        expect(hex(rootOf(frontier))).toBe(hex(definition(all)))
      }),
    )
  })

  const sizes = [...new Set([1, 2, 3, ...[2, 3, 4, 5, 6].flatMap((k) => [2 ** k - 1, 2 ** k, 2 ** k + 1])])]

  it.each(sizes)('of %i leaves proves each of them, and nothing else', async (size) => {
    const leaves = someLeaves(size)
    const { root, hashesOf } = treeOf(leaves)
    for (const [index, leaf] of leaves.entries()) {
      const proof = await proofOf(inclusionRanges(index, size), hashesOf)
      expect(isIncluded({ index, size, root }, leaf, proof)).toBe(true)
      expect(isIncluded({ index, size, root }, leaves[(index + 1) % size]!, proof)).toBe(size === 1)
      expect(isIncluded({ index: index + 1, size, root }, leaf, proof)).toBe(false)
      expect(isIncluded({ index, size, root }, leaf, [...proof, root])).toBe(false)
      if (proof.length > 0) expect(isIncluded({ index, size, root }, leaf, proof.slice(1))).toBe(false)
    }
  })

  it.each(sizes)('of %i leaves proves what it grew from, and nothing else', async (size) => {
    const leaves = someLeaves(size)
    const { root, hashesOf } = treeOf(leaves)
    for (let from = 1; from <= size; from++) {
      const proof = await proofOf(consistencyRanges(from, size), hashesOf)
      const earlier = { size: from, root: treeOf(leaves.slice(0, from)).root }
      const other = { size: from, root: treeOf(someLeaves(from)).root }
      expect(extendsTree(earlier, { size, root }, proof)).toBe(true)
      expect(extendsTree(other, { size, root }, proof)).toBe(false)
      expect(extendsTree(earlier, { size, root: randomBytes(32) }, proof)).toBe(false)
      expect(extendsTree({ size, root }, earlier, proof)).toBe(from === size)
      expect(extendsTree(earlier, { size, root }, [...proof, root])).toBe(false)
      if (proof.length > 0) expect(extendsTree(earlier, { size, root }, proof.slice(1))).toBe(false)
    }
  })

  it('has no proof of what it does not hold', () => {
    expect(() => inclusionRanges(3, 3)).toThrow(RangeError)
    expect(() => consistencyRanges(4, 3)).toThrow(RangeError)
  })
})
