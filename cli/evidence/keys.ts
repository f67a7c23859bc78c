import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { BadMember, type Members, requireMember } from './bad-member.ts'

export interface BundleKey {
  readonly path: string
  readonly purpose: 'statements' | 'checkpoints'
  /** SHA-256 (hex) of the key in DER. */
  readonly fingerprint: string
  readonly key: KeyObject
  readonly validFrom: Date
  /** Undefined: it was in use when the bundle was made. */
  readonly validUntil?: Date
}

/** The keys that a bundle brings. Throws BadMember for one that is not what its name says, or that KEYS does not list. */
export function readKeys(members: Members): BundleKey[] {
  const listed = new Map(
    requireMember(members, 'keys/KEYS')
      .toString('utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [purpose, , fingerprint = '', from = '', until = ''] = line.split(/ +/)
        return [`keys/${purpose}-${fingerprint.replace('sha256:', '')}.pem`, { from, until }]
      }),
  )
  const paths = [...members.keys()].filter((path) => /^keys\/.*\.pem$/.test(path))
  return paths.map((path) => {
    const [, purpose, fingerprint] = /^keys\/(statements|checkpoints)-([0-9a-f]{64})\.pem$/.exec(path) ?? []
    if (!purpose || !fingerprint) throw new BadMember(path, 'not the name of a key')
    const key = parseKey(members, path)
    if (fingerprintOf(key) !== fingerprint) throw new BadMember(path, 'not the key that its name says')
    const times = listed.get(path)
    const validFrom = new Date(times?.from ?? '')
    if (!times || Number.isNaN(validFrom.getTime()))
      throw new BadMember('keys/KEYS', `does not say when ${path} was in use`)
    return {
      path,
      purpose: purpose as BundleKey['purpose'],
      fingerprint,
      key,
      validFrom,
      validUntil: times.until === '-' ? undefined : new Date(times.until),
    }
  })
}

/** KEYS is what people compare: throws BadMember where it lists a key that the bundle does not bring. */
export function requireListed(members: Members, keys: readonly BundleKey[]): void {
  const lines = requireMember(members, 'keys/KEYS').toString('utf8').trimEnd().split('\n')
  const listed = new Set(lines.map((line) => line.split(/ +/)[2]))
  if (lines.length !== keys.length || listed.size !== keys.length)
    throw new BadMember('keys/KEYS', 'lists a key that is not here')
}

export const fingerprintOf = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')

function parseKey(members: Members, path: string): KeyObject {
  try {
    return createPublicKey(requireMember(members, path))
  } catch (error) {
    if (error instanceof BadMember) throw error
    throw new BadMember(path, 'not a public key')
  }
}
