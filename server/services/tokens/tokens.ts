import { createHash, randomBytes } from 'node:crypto'

/** A secret that its holder presents; we keep only `hash`. The prefix tells people and secret scanners what it is. */
export function createToken(prefix: 'ft_' | 'fj_' | 'fc_'): { token: string; hash: Buffer } {
  const token = prefix + randomBytes(32).toString('base64url')
  return { token, hash: hashToken(token) }
}

/** Tokens are 256 random bits, so that one round of SHA-256 is enough. */
export const hashToken = (token: string): Buffer => createHash('sha256').update(token).digest()
