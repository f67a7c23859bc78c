import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'

/** Seals small secrets at rest: AES-256-GCM under the master key, bound to a label that must be given again to open. */
export interface Sealer {
  seal(plain: Uint8Array, label: string): Buffer
  /** Throws when the bytes, the label or the key are not those of `seal`. */
  open(sealed: Uint8Array, label: string): Buffer
  /** A secret that every server with the same master key arrives at. */
  derive(label: string): string
}

const nonceBytes = 12
const tagBytes = 16

export function createSealer(masterKey: Buffer): Sealer {
  if (masterKey.length !== 32) throw new Error('The master key must be 32 bytes')
  const key = createHmac('sha256', masterKey).update('fairway:seal').digest()
  return {
    seal(plain, label) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(label))
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },
    open(sealed, label) {
      const bytes = Buffer.from(sealed)
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes)).setAAD(
        Buffer.from(label),
      )
      decipher.setAuthTag(bytes.subarray(-tagBytes))
      return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()])
    },
    derive: (label) => createHmac('sha256', masterKey).update(`fairway:derive:${label}`).digest('base64url'),
  }
}
