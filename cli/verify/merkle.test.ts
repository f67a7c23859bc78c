import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { leafHash } from '../../server/evidence/tree/hashes.ts'
import { appendLeaves, emptyFrontier, rootOf } from '../../server/evidence/tree/nodes.ts'
import { inclusionRanges, proofOf } from '../../server/evidence/tree/proofs.ts'
import { hashLeaf, rootFromProof } from './merkle.ts'

const leaves = Array.from({ length: 70 }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)))

/** As the server computes proofs, over nodes made here. */
async function prove(index: number, size: number) {
  const { frontier, made } = appendLeaves(emptyFrontier, leaves.slice(0, size))
  const nodes = new Map(made.map((node) => [`${node.level}/${node.index}`, node.hash]))
  const proof = await proofOf(inclusionRanges(index, size), (wanted) =>
    wanted.map((node) => (node.level === 0 ? leaves[node.index] : nodes.get(`${node.level}/${node.index}`))!),
  )
  return { proof, root: rootOf(frontier) }
}

test('the command line comes to the root that the server signs, for every leaf of trees of every shape', async () => {
  for (let size = 1; size <= leaves.length; size++) {
    for (let index = 0; index < size; index++) {
      const { proof, root } = await prove(index, size)
      expect(rootFromProof(hashLeaf(Buffer.from(`leaf ${index}`)), index, size, proof)).toEqual(root)
    }
  }
})

test('any other place, size, leaf or proof leads elsewhere', async () => {
  const { proof, root } = await prove(5, 13)
  const leaf = hashLeaf(Buffer.from('leaf 5'))
  const others = [
    rootFromProof(leaf, 4, 13, proof),
    rootFromProof(leaf, 5, 12, proof.slice(1)),
    rootFromProof(leaf, 13, 13, proof),
    rootFromProof(hashLeaf(Buffer.from('leaf 6')), 5, 13, proof),
    rootFromProof(leaf, 5, 13, proof.toReversed()),
    rootFromProof(leaf, 5, 13, [...proof, createHash('sha256').digest()]),
    rootFromProof(leaf, 5, 13, proof.slice(0, -1)),
  ]
  for (const other of others) expect(other).not.toEqual(root)
})
