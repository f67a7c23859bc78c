import { createHash, type KeyObject, verify } from 'node:crypto'
import { BadMember, type Members, requireMember } from './bad-member.ts'
import type { BundleKey } from './keys.ts'

export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Buffer
  /** The whole note. */
  readonly note: string
}

const path = 'audit/checkpoint'

/** The signed head of the audit tree (C2SP checkpoint). Throws BadMember unless one of the keys signed it. */
export function verifyCheckpoint(members: Members, keys: readonly BundleKey[]): Checkpoint {
  const note = requireMember(members, path).toString('utf8')
  const end = note.indexOf('\n\n')
  const text = note.slice(0, end + 1)
  const [origin = '', size = '', root = ''] = text.split('\n')
  const isOrigin = /^fairway\/[a-z][a-z0-9-]*$/.test(origin)
  if (end < 0 || !isOrigin || !/^[1-9]\d{0,14}$/.test(size) || Buffer.from(root, 'base64').length !== 32)
    throw new BadMember(path, 'not a checkpoint')
  const signatures = note
    .slice(end + 2)
    .split('\n')
    .filter((line) => line.startsWith(`— ${origin} `))
    .map((line) => Buffer.from(line.slice(`— ${origin} `.length), 'base64'))
  const isSigned = keys
    .filter(({ purpose }) => purpose === 'checkpoints')
    .some(({ key }) => signatures.some((signature) => holds(signature, origin, key, text)))
  if (!isSigned) throw new BadMember(path, 'no signature of it is of one of the keys')
  return { origin, size: Number(size), root: Buffer.from(root, 'base64'), note }
}

/** A signature follows the four bytes that name its key. */
function holds(signature: Buffer, origin: string, key: KeyObject, text: string): boolean {
  const raw = Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url')
  const id = createHash('sha256').update(`${origin}\n\u0001`).update(raw).digest().subarray(0, 4)
  return signature.subarray(0, 4).equals(id) && verify(null, Buffer.from(text), key, signature.subarray(4))
}
