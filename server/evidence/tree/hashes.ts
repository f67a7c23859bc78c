import { createHash } from 'node:crypto'

/** Hashes of a Merkle tree (RFC 6962 section 2.1): leaves and nodes are told apart by their first byte. */
const leafPrefix = Buffer.of(0)
const nodePrefix = Buffer.of(1)

export const leafHash = (leaf: Uint8Array): Buffer =>
  createHash('sha256').update(leafPrefix).update(leaf).digest()

export const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer =>
  createHash('sha256').update(nodePrefix).update(left).update(right).digest()

/** Root of the tree without leaves. */
export const emptyRoot: Buffer = createHash('sha256').digest()
