import { createHash, type KeyObject } from 'node:crypto'
import type { SigningKey } from './keys.ts'

/**
 * Signed notes (https://c2sp.org/signed-note) whose text is a checkpoint (https://c2sp.org/tlog-checkpoint): origin,
 * size and root of a tree. The name of every key is the origin.
 */
export interface Checkpoint {
  /** `fairway/<organization>` */
  readonly origin: string
  readonly size: number
  readonly root: Buffer
}

export const originOf = (organization: string): string => `fairway/${organization}`

/** The note, signed with each of the keys (Ed25519), the first one first. */
export function signCheckpoint(
  checkpoint: Checkpoint,
  keys: readonly Pick<SigningKey, 'key' | 'sign'>[],
): string {
  const { origin, size, root } = checkpoint
  const text = `${origin}\n${size}\n${root.toString('base64')}\n`
  return signNote(text, origin, keys)
}

export function signNote(
  text: string,
  name: string,
  keys: readonly Pick<SigningKey, 'key' | 'sign'>[],
): string {
  const lines = keys.map(({ key, sign }) => {
    const signature = Buffer.concat([keyHash(name, key), sign(Buffer.from(text))])
    return `— ${name} ${signature.toString('base64')}\n`
  })
  return `${text}\n${lines.join('')}`
}

/** `name+hash+key`, as whoever verifies notes takes it. */
export function verifierKeyOf(name: string, key: KeyObject): string {
  const bytes = Buffer.concat([ed25519, rawKey(key)])
  return `${name}+${keyHash(name, key).toString('hex')}+${bytes.toString('base64')}`
}

/** Whether a signature in the note is said to be that key's. Does not check it. */
export function namesSigner(note: string, verifierKey: string): boolean {
  const [name, hash] = verifierKey.split('+') as [string, string]
  return note
    .split('\n')
    .filter((line) => line.startsWith(`— ${name} `))
    .some(
      (line) =>
        Buffer.from(line.slice(`— ${name} `.length), 'base64')
          .subarray(0, 4)
          .toString('hex') === hash,
    )
}

/** Type of the signature, before the key's bytes. */
const ed25519 = Buffer.of(1)

const keyHash = (name: string, key: KeyObject): Buffer =>
  createHash('sha256').update(`${name}\n`).update(ed25519).update(rawKey(key)).digest().subarray(0, 4)

const rawKey = (key: KeyObject): Buffer => Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url')
