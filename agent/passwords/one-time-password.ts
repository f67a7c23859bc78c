import { pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify(pbkdf2)

/** Those of Odoo 17 and later; a hash names its rounds, so every series from 14 on takes it. */
const ROUNDS = 600_000

export interface OneTimePassword {
  readonly password: string
  /** As Odoo keeps it. */
  readonly hash: string
}

// Without what people confuse: i l o u.
const letters = 'abcdefghjkmnpqrstvwxyz0123456789'

/** A password of 100 bits in four groups that one can read aloud. */
export async function createOneTimePassword(): Promise<OneTimePassword> {
  const text = [...randomBytes(20)].map((byte) => letters[byte % letters.length]).join('')
  const password = text.replace(/(.{5})(?=.)/g, '$1-')
  return { password, hash: await hashPassword(password, randomBytes(16)) }
}

/**
 * A hash as passlib's `pbkdf2_sha512` writes and reads it, which is what every Odoo takes passwords with:
 * `$pbkdf2-sha512$rounds$salt$checksum`, the last two in base64 with `.` for `+` and without padding
 * (passlib.readthedocs.io, "passlib.hash.pbkdf2_digest").
 */
export async function hashPassword(password: string, salt: Buffer, rounds = ROUNDS): Promise<string> {
  const checksum = await derive(password, salt, rounds, 64, 'sha512')
  return `$pbkdf2-sha512$${rounds}$${adapted(salt)}$${adapted(checksum)}`
}

const adapted = (bytes: Buffer) => bytes.toString('base64').replaceAll('+', '.').replaceAll('=', '')
