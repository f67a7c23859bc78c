import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** What a sealed value belongs to; it opens for nothing else. */
export interface ValueBinding {
  readonly organizationId: string
  readonly projectId: string
  /** Stage, environment, or whole project; of a credential its kind and host (see credentials.ts). */
  readonly scope: string
  readonly secretId: string
  readonly name: string
  readonly version: number
}

export const dataKeyBytes = 32
const nonceBytes = 12
const tagBytes = 16

/**
 * An envelope begins with what it is and its format; format 1 came without, and was bound to neither project nor scope. A
 * nonce of format 1 begins like this once in 2^32.
 */
const magic = Buffer.from('FWS')
/** What this version seals. */
export const envelopeFormat = 2
const head = Buffer.concat([magic, Buffer.from([envelopeFormat])])

/** What sealing adds to a value. */
export const sealBytes = head.length + nonceBytes + tagBytes

/** Head, nonce, ciphertext and tag of AES-256-GCM under the organization's data key. */
export function sealValue(dataKey: Uint8Array, value: string, binding: ValueBinding): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', dataKey, nonce).setAAD(aad(binding))
  return Buffer.concat([head, nonce, cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()])
}

/**
 * Throws when the bytes, the key or the binding are not those of `sealValue`, and for format 1 unless `acceptFormat1`:
 * until the organization's values have been sealed anew (`fairway secret rotate-keys`).
 */
export function openValue(
  dataKey: Uint8Array,
  sealed: Uint8Array,
  binding: ValueBinding,
  acceptFormat1: boolean,
): string {
  const bytes = Buffer.from(sealed)
  if (bytes.subarray(0, magic.length).equals(magic)) {
    const format = bytes[magic.length]
    if (format !== envelopeFormat)
      throw new Error(`The sealed value is of format ${format}, of a newer version`)
    return open(dataKey, bytes.subarray(head.length), aad(binding))
  }
  if (!acceptFormat1) {
    throw new Error('The sealed value is of a format that is refused since all values were sealed anew')
  }
  return open(dataKey, bytes, aadOfFormat1(binding))
}

function open(dataKey: Uint8Array, bytes: Buffer, bound: Buffer): string {
  if (bytes.length < nonceBytes + tagBytes) throw new Error('The sealed value is cut short')
  const nonce = bytes.subarray(0, nonceBytes)
  const decipher = createDecipheriv('aes-256-gcm', dataKey, nonce, { authTagLength: tagBytes })
  decipher.setAAD(bound).setAuthTag(bytes.subarray(-tagBytes))
  const plain = [decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]
  return Buffer.concat(plain).toString('utf8')
}

/** JSON, so that no two bindings read the same. */
const aad = ({ organizationId, projectId, scope, secretId, name, version }: ValueBinding) =>
  Buffer.from(
    JSON.stringify([
      'fairway-secret',
      envelopeFormat,
      organizationId,
      projectId,
      scope,
      secretId,
      name,
      version,
    ]),
  )

const aadOfFormat1 = ({ organizationId, secretId, name, version }: ValueBinding) =>
  Buffer.from(JSON.stringify(['fairway-secret', organizationId, secretId, name, version]))
