import type { PublicKey } from '../keys.ts'
import { fingerprintOf } from '../statements/sign.ts'
import { type Member, textMember } from './member.ts'

/** Public keys by purpose and fingerprint, and a list of them with their times. */
export function keyMembers(keys: readonly PublicKey[]): Member[] {
  const known = keys.map((key) => ({ ...key, fingerprint: fingerprintOf(key.key) }))
  const lines = known.map(({ purpose, algorithm, fingerprint, validFrom, validUntil }) =>
    [
      purpose.padEnd(11),
      algorithm.padEnd(10),
      `sha256:${fingerprint}`,
      validFrom.toISOString(),
      validUntil?.toISOString() ?? '-',
    ].join(' '),
  )
  return [
    textMember('keys/KEYS', `${lines.join('\n')}\n`),
    ...known.map(({ purpose, fingerprint, pem }) => textMember(`keys/${purpose}-${fingerprint}.pem`, pem)),
  ]
}
