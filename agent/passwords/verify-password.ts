import { pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify(pbkdf2)

/** Three times those of Odoo 17 and later: a database may ask for any number, and each costs this host time. */
const mostRounds = 2_000_000
const hash = /^\$pbkdf2-sha512\$(\d{1,7})\$([./A-Za-z0-9]{1,200})\$([./A-Za-z0-9]{86})$/

/**
 * Whether Odoo lets that password in with what it keeps in `res_users.password`: a hash of passlib's `pbkdf2_sha512`, or, as
 * somebody wrote it there with SQL, the password itself (`_crypt_context` of odoo/addons/base/models/res_users.py takes
 * both). Of hashes of other kinds, which modules bring, and of more rounds than 2 million nobody knows: false.
 */
export async function verifyPassword(password: string, kept: string): Promise<boolean> {
  const [, rounds, salt, checksum] = hash.exec(kept) ?? []
  if (rounds === undefined || salt === undefined || checksum === undefined) return kept === password
  const count = Number(rounds)
  if (count < 1 || count > mostRounds) return false
  const expected = bytesOf(checksum)
  return timingSafeEqual(await derive(password, bytesOf(salt), count, expected.length, 'sha512'), expected)
}

/** passlib's base64: `.` for `+`, and no padding. */
const bytesOf = (text: string) => Buffer.from(text.replaceAll('.', '+'), 'base64')
