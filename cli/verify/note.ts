import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'

/** A key that notes are verified with: `name+hash+base64` (https://c2sp.org/signed-note, Ed25519). */
export interface VerifierKey {
  readonly text: string
  readonly name: string
  readonly hash: string
  readonly key: KeyObject
}

/** What a note says once one of the keys is found to have signed it. */
export interface VerifiedNote {
  readonly origin: string
  readonly size: number
  readonly root: Buffer
  readonly signer: VerifierKey
}

/** Throws what is wrong with the text. */
export function parseVerifierKey(text: string): VerifierKey {
  const [name = '', hash = '', ...rest] = text.split('+')
  const encoded = rest.join('+')
  const bytes = Buffer.from(encoded, 'base64')
  if (
    !name ||
    /\s/.test(name) ||
    bytes.length !== 33 ||
    bytes[0] !== 1 ||
    bytes.toString('base64') !== encoded
  ) {
    throw new Error(`${text} is no Ed25519 verifier key (name+hash+base64)`)
  }
  const expected = createHash('sha256').update(`${name}\n`).update(bytes).digest('hex').slice(0, 8)
  if (hash !== expected) throw new Error(`the verifier key ${text} does not have the hash ${hash}`)
  const x = bytes.subarray(1).toString('base64url')
  return {
    text,
    name,
    hash,
    key: createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
  }
}

/** Throws what is wrong with the note, or that none of the keys signed it. */
export function verifyNote(note: string, keys: readonly VerifierKey[]): VerifiedNote {
  const [text, signatures] = splitNote(note)
  const [origin = '', size = '', root = '', end, ...more] = text.split('\n')
  const bytes = Buffer.from(root, 'base64')
  const whole = end === '' && more.length === 0 && origin !== ''
  if (
    !whole ||
    !/^(0|[1-9]\d{0,15})$/.test(size) ||
    bytes.length !== 32 ||
    bytes.toString('base64') !== root
  ) {
    throw new Error('it is no checkpoint: origin, size and root, each on a line')
  }
  let signer: VerifierKey | undefined
  for (const { name, hash, signature } of signatures) {
    const key = keys.find((known) => known.name === name && known.hash === hash)
    if (!key) continue
    // A known key that did not sign what it is said to have signed spoils the whole note.
    if (!verify(null, Buffer.from(text), key.key, signature)) {
      throw new Error(`its signature of ${name}+${hash} is wrong`)
    }
    if (key.name === origin) signer ??= key
  }
  if (!signer) throw new Error(`no known key of ${origin} signed it`)
  return { origin, size: Number(size), root: bytes, signer }
}

interface Signature {
  readonly name: string
  readonly hash: string
  readonly signature: Buffer
}

function splitNote(note: string): [text: string, signatures: Signature[]] {
  const at = note.lastIndexOf('\n\n')
  if (at < 0 || !note.endsWith('\n')) throw new Error('it is no signed note')
  const lines = note.slice(at + 2, -1).split('\n')
  return [
    note.slice(0, at + 1),
    lines.map((line) => {
      const match = /^— (\S+) ([A-Za-z0-9+/]+=*)$/.exec(line)
      const bytes = Buffer.from(match?.[2] ?? '', 'base64')
      if (!match || bytes.length < 5 || bytes.toString('base64') !== match[2]) {
        throw new Error('it has a line that is no signature')
      }
      return { name: match[1]!, hash: bytes.subarray(0, 4).toString('hex'), signature: bytes.subarray(4) }
    }),
  ]
}
