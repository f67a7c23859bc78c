import { createHash, timingSafeEqual, webcrypto } from 'node:crypto'

/** What a delivery brings to show that its sender knows the secret: HMAC-SHA-256 over the raw bytes, or the secret itself. */
export type Proof = { readonly hmac: Buffer } | { readonly token: string }

/** HMAC in hexadecimal, after `prefix`. */
export function hmacProof(text: string, prefix = ''): Proof | undefined {
  const hex = text.slice(prefix.length)
  if (!text.startsWith(prefix) || !/^[0-9a-f]{64}$/i.test(hex)) return undefined
  return { hmac: Buffer.from(hex, 'hex') }
}

/** Whether it was made with that secret, in a time that says nothing of either. Large bodies are not hashed on the event loop. */
export async function isProvedWith(secret: string, proof: Proof, body: Buffer): Promise<boolean> {
  if ('token' in proof) return isSameText(secret, proof.token)
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await webcrypto.subtle.importKey('raw', Buffer.from(secret), algorithm, false, ['verify'])
  return await webcrypto.subtle.verify('HMAC', key, proof.hmac, body)
}

function isSameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
