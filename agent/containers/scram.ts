import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

const ITERATIONS = 4096

/** A new password: 32 random bytes, in letters that need no quoting anywhere. */
export function createPassword(): string {
  return randomBytes(32).toString('base64url')
}

/**
 * What PostgreSQL stores for a password (RFC 5802 and 7677, as in PostgreSQL's scram-common.c). Handed over in this form
 * the password itself is in no statement, no log and no pg_stat_activity.
 */
export function scramVerifier(password: string, salt = randomBytes(16)): string {
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256')
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest()
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64')
  const serverKey = hmac('Server Key').toString('base64')
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}
