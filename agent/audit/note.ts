import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'

/** A checkpoint whose signature was checked: https://c2sp.org/tlog-checkpoint in https://c2sp.org/signed-note. */
export interface Checkpoint {
  readonly size: number
  readonly root: Buffer
}

/** SubjectPublicKeyInfo of an Ed25519 key (RFC 8410), before its 32 bytes. */
const spki = Buffer.from('302a300506032b6570032100', 'hex')
const ed25519 = 1

/** The checkpoint, where the note is of the verifier key's log and signed with it. Throws what is wrong with it. */
export function openCheckpoint(note: string, verifierKey: string): Checkpoint {
  const { name, hash, key } = parseVerifierKey(verifierKey)
  const end = note.lastIndexOf('\n\n') + 1
  const text = note.slice(0, end)
  const [origin, size = '', root = '', ...rest] = text.split('\n')
  if (end === 0 || origin !== name || !/^(0|[1-9]\d{0,15})$/.test(size) || rest.length !== 1 || rest[0]) {
    throw new Error(`it is no checkpoint of ${name}`)
  }
  const signatures = note
    .slice(end + 1)
    .split('\n')
    .filter((line) => line.startsWith(`— ${name} `))
    .map((line) => Buffer.from(line.slice(`— ${name} `.length), 'base64'))
    .filter((bytes) => bytes.subarray(0, 4).equals(hash))
  if (!signatures.some((bytes) => verify(null, Buffer.from(text), key, bytes.subarray(4)))) {
    throw new Error(`it is not signed with the key ${name}+${hash.toString('hex')}`)
  }
  const bytes = Buffer.from(root, 'base64')
  if (bytes.length !== 32) throw new Error('its root is no SHA-256')
  return { size: Number(size), root: bytes }
}

function parseVerifierKey(text: string): { name: string; hash: Buffer; key: KeyObject } {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text)
  const bytes = Buffer.from(match?.[3] ?? '', 'base64')
  if (!match || bytes.length !== 33 || bytes[0] !== ed25519) {
    throw new Error(`it came with no Ed25519 verifier key: ${text}`)
  }
  const [, name, hex] = match as unknown as [string, string, string]
  const hash = createHash('sha256').update(`${name}\n`).update(bytes).digest().subarray(0, 4)
  if (hash.toString('hex') !== hex)
    throw new Error(`its verifier key does not have the hash it says: ${text}`)
  const key = createPublicKey({ key: Buffer.concat([spki, bytes.subarray(1)]), format: 'der', type: 'spki' })
  return { name, hash, key }
}
