import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { extendsTree } from '../../agent/audit/consistency.ts'
import { openCheckpoint } from '../../agent/audit/note.ts'
import { signCheckpoint, verifierKeyOf } from '../../server/evidence/notes.ts'
import { appendLeaves, emptyFrontier, type NodeId, rootOf } from '../../server/evidence/tree/nodes.ts'
import { consistencyRanges, proofOf } from '../../server/evidence/tree/proofs.ts'
import * as vectors from '../../test/support/merkle-vectors.ts'
import { GrowingTree, hashLeaf, rootFromProof } from './merkle.ts'
import { parseVerifierKey, verifyNote } from './note.ts'

const bytes = (text: string) => Buffer.from(text, 'hex')
const hex = (hash: Buffer | undefined) => hash?.toString('hex')

describe('the verifier', () => {
  it('knows the published roots', () => {
    const tree = new GrowingTree()
    expect(hex(tree.root())).toBe(vectors.emptyRoot)
    for (const [index, leaf] of vectors.leaves.entries()) {
      tree.add(hashLeaf(bytes(leaf)))
      expect(hex(tree.root())).toBe(vectors.roots[index])
    }
  })

  it.each(vectors.inclusionProofs)(
    'follows the published proof of $index in $size',
    ({ index, size, proof }) => {
      const leaf = hashLeaf(bytes(vectors.leaves[index]!))
      const root = rootFromProof(leaf, index, size, proof.map(bytes))
      expect(hex(root)).toBe(vectors.roots[size - 1])
      expect(rootFromProof(leaf, index, size, [...proof.map(bytes), leaf])).toBeUndefined()
      if (proof.length > 0)
        expect(rootFromProof(leaf, index, size, proof.slice(1).map(bytes))).toBeUndefined()
      expect(rootFromProof(leaf, size, size, proof.map(bytes))).toBeUndefined()
    },
  )
})

describe('the agent', () => {
  it.each(vectors.consistencyProofs)(
    'follows the published proof from $from to $to',
    ({ from, to, proof }) => {
      const at = (size: number) => ({ size, root: bytes(vectors.roots[size - 1]!) })
      expect(extendsTree(at(from), at(to), proof.map(bytes))).toBe(true)
      expect(extendsTree(at(to), at(from), proof.map(bytes))).toBe(from === to)
      const other = { size: from, root: randomBytes(32) }
      expect(extendsTree(other, at(to), proof.map(bytes))).toBe(false)
      for (const [index] of proof.entries()) {
        const wrong = proof.map(bytes)
        wrong[index]![0]! ^= 16
        expect(extendsTree(at(from), at(to), wrong)).toBe(false)
      }
      expect(extendsTree(at(from), at(to), [...proof.map(bytes), randomBytes(32)])).toBe(false)
      if (proof.length > 0) expect(extendsTree(at(from), at(to), proof.slice(1).map(bytes))).toBe(false)
    },
  )

  it('agrees with the server’s tree on every size', async () => {
    const leaves = Array.from({ length: 37 }, () => randomBytes(32))
    for (let to = 1; to <= leaves.length; to++) {
      const { hashesOf, root } = treeOf(leaves.slice(0, to))
      for (let from = 1; from <= to; from++) {
        const proof = await proofOf(consistencyRanges(from, to), hashesOf)
        const earlier = { size: from, root: treeOf(leaves.slice(0, from)).root }
        expect(extendsTree(earlier, { size: to, root }, proof)).toBe(true)
      }
    }
  })
})

function treeOf(leaves: readonly Buffer[]) {
  const { frontier, made } = appendLeaves(emptyFrontier, leaves)
  const nodes = new Map(made.map(({ level, index, hash }) => [`${level}/${index}`, hash]))
  return {
    root: rootOf(frontier),
    hashesOf: (ids: readonly NodeId[]) =>
      ids.map(({ level, index }) => (level === 0 ? leaves[index]! : nodes.get(`${level}/${index}`)!)),
  }
}

function keyPair(name: string) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return {
    key: publicKey,
    sign: (text: Uint8Array) => sign(null, text, privateKey),
    verifierKey: verifierKeyOf(name, publicKey),
  }
}

describe('signed notes', () => {
  it.each(vectors.notes)(
    'of $verifierKey: the key is read, and its signature is right',
    ({ verifierKey, note }) => {
      const key = parseVerifierKey(verifierKey)
      expect(key.text).toBe(verifierKey)
      // They are notes, and no checkpoints: the signature is looked at last.
      expect(() => verifyNote(note, [key])).toThrow('it is no checkpoint')
      expect(() => openCheckpoint(note, verifierKey)).toThrow('it is no checkpoint')
    },
  )

  const origin = 'fairway/acme'
  const root = randomBytes(32)
  const one = keyPair(origin)
  const other = keyPair(origin)
  const note = signCheckpoint({ origin, size: 12, root }, [one, other])

  it('are accepted from the keys that signed', () => {
    for (const { verifierKey } of [one, other]) {
      expect(verifyNote(note, [parseVerifierKey(verifierKey)])).toMatchObject({ origin, size: 12, root })
      expect(openCheckpoint(note, verifierKey)).toEqual({ size: 12, root })
    }
  })

  it.each([
    ['another size', note.replace('\n12\n', '\n13\n')],
    ['another origin', note.replace('fairway/acme\n', 'fairway/evil\n')],
    ['an extra line', note.replace('\n12\n', '\n12\n12\n')],
    ['a size with a leading zero', note.replace('\n12\n', '\n012\n')],
    ['no signature', note.slice(0, note.indexOf('\n\n') + 2)],
    ['signatures of others alone', signCheckpoint({ origin, size: 12, root }, [keyPair(origin)])],
    ['no blank line', note.replace('\n\n', '\n')],
  ])('are refused with %s', (_, changed) => {
    expect(() => verifyNote(changed, [parseVerifierKey(one.verifierKey)])).toThrow()
    expect(() => openCheckpoint(changed, one.verifierKey)).toThrow()
  })

  it.each([
    ['another hash', one.verifierKey.replace(/\+[0-9a-f]{8}\+/, '+00000000+')],
    ['another name', one.verifierKey.replace('acme', 'evil')],
    ['another type of key', 'a+00000000+AgAA'],
    ['nothing', ''],
  ])('take no verifier key with %s', (_, text) => {
    expect(() => parseVerifierKey(text)).toThrow()
    expect(() => openCheckpoint(note, text)).toThrow()
  })
})
