import { isUtf8 } from 'node:buffer'
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { SignedRequest } from './forge.ts'

/** HMAC-SHA-256 over the raw bytes, in hexadecimal. Bytes that are no UTF-8 were not sent by any forge. */
export function isHmacOf(secret: string, { body }: SignedRequest, hex: string): boolean {
  if (body.length === 0 || !/^[0-9a-f]{64}$/i.test(hex) || !isUtf8(body)) return false
  return timingSafeEqual(createHmac('sha256', secret).update(body).digest(), Buffer.from(hex, 'hex'))
}

/** The same for `sha256=<hex>`. */
export function isPrefixedHmacOf(secret: string, request: SignedRequest, signature: string): boolean {
  const prefix = 'sha256='
  return signature.startsWith(prefix) && isHmacOf(secret, request, signature.slice(prefix.length))
}

/** Texts of any lengths, compared in a time that says nothing of either. */
export function isSameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
