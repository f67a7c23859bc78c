import { createHash, verify } from 'node:crypto'
import { BadMember, isMemberPath, type Members, requireMember } from './bad-member.ts'
import type { BundleKey } from './keys.ts'

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** The key that MANIFEST is signed with. Throws BadMember when it is none of those, or none of the pinned ones. */
export function verifyManifestSignature(
  members: Members,
  keys: readonly BundleKey[],
  pins: readonly string[],
): BundleKey {
  const manifest = requireMember(members, 'MANIFEST')
  const signature = requireMember(members, 'MANIFEST.sig')
  const signer = keys
    .filter(({ purpose }) => purpose === 'statements')
    .find(({ key }) => verify('sha256', manifest, key, signature))
  if (!signer) {
    throw new BadMember(
      'MANIFEST',
      'its signature MANIFEST.sig is of none of the keys: one of the two was changed',
    )
  }
  if (pins.length > 0 && !pins.includes(signer.fingerprint)) {
    throw new BadMember(
      'MANIFEST',
      `signed by the key sha256:${signer.fingerprint}, which is none of those given with --key-sha256`,
    )
  }
  return signer
}

/** Exactly the members that MANIFEST names, byte for byte; throws BadMember for the first that is not. */
export function verifyMembers(members: Members): void {
  const lines = requireMember(members, 'MANIFEST').toString('utf8').split('\n')
  if (lines.pop() !== '') throw new BadMember('MANIFEST', 'its last line is cut')
  const named = new Map<string, string>()
  let last = ''
  for (const [index, line] of lines.entries()) {
    const [, hash, path = ''] = /^([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? []
    if (!hash) throw new BadMember('MANIFEST', `line ${index + 1} is malformed`)
    if (!isMemberPath(path))
      throw new BadMember('MANIFEST', `line ${index + 1} names a path outside of the bundle`)
    if (path <= last) throw new BadMember('MANIFEST', 'its lines are not sorted')
    last = path
    named.set(path, hash)
  }
  for (const path of members.keys()) {
    if (!named.has(path) && path !== 'MANIFEST' && path !== 'MANIFEST.sig')
      throw new BadMember(path, 'not named in MANIFEST')
  }
  for (const [path, hash] of named) {
    if (sha256(requireMember(members, path)) !== hash)
      throw new BadMember(path, 'its bytes are not those that were signed for')
  }
}
