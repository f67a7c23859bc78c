import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** What a sealed value belongs to; it opens for nothing else. */
export interface ValueBinding {
  readonly organizationId: string
  readonly secretId: string
  readonly name: string
  readonly version: number
}

export const dataKeyBytes = 32
const nonceBytes = 12
const tagBytes = 16
/** What sealing adds to a value. */
export const sealBytes = nonceBytes + tagBytes

/** Nonce, ciphertext and tag of AES-256-GCM under the organization's data key. */
export function sealValue(dataKey: Uint8Array, value: string, binding: ValueBinding): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', dataKey, nonce).setAAD(aad(binding))
  return Buffer.concat([nonce, cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()])
}

/** Throws when the bytes, the key or the binding are not those of `sealValue`. */
export function openValue(dataKey: Uint8Array, sealed: Uint8Array, binding: ValueBinding): string {
  if (sealed.length < sealBytes) throw new Error('The sealed value is cut short')
  const bytes = Buffer.from(sealed)
  const nonce = bytes.subarray(0, nonceBytes)
  const decipher = createDecipheriv('aes-256-gcm', dataKey, nonce, { authTagLength: tagBytes })
  decipher.setAAD(aad(binding)).setAuthTag(bytes.subarray(-tagBytes))
  const plain = [decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]
  return Buffer.concat(plain).toString('utf8')
}

/** JSON, so that no two bindings read the same. */
const aad = ({ organizationId, secretId, name, version }: ValueBinding) =>
  Buffer.from(JSON.stringify(['fairway-secret', organizationId, secretId, name, version]))
