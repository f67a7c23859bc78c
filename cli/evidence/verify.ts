import { verifyEnd, verifyEvents } from './audit.ts'
import { BadMember, type Members } from './bad-member.ts'
import { verifyCheckpoint } from './checkpoint.ts'
import { listIn } from './json-member.ts'
import { type BundleKey, readKeys, requireListed } from './keys.ts'
import { sha256, verifyManifestSignature, verifyMembers } from './manifest.ts'
import { type VerifiedStatement, verifyStatements } from './statements.ts'

export interface VerifiedBundle {
  readonly memberCount: number
  readonly signedBy: BundleKey
  readonly keys: readonly BundleKey[]
  readonly statements: readonly VerifiedStatement[]
  readonly audit: { readonly origin: string; readonly size: number; readonly events: number }
  readonly missing: readonly { readonly what: string; readonly why: string }[]
}

/** Clocks of a server and its database may differ by so much. */
const clockToleranceMs = 5 * 60_000

/**
 * Checks a bundle by itself, with nothing of the server: the same checks as verify.sh, written again. `pins` are
 * fingerprints of keys, one of which must have signed it; none: any key it brings. Throws BadMember.
 */
export function verifyBundle(members: Members, pins: readonly string[] = []): VerifiedBundle {
  const keys = readKeys(members)
  const signedBy = verifyManifestSignature(members, keys, pins)
  verifyMembers(members)
  requireListed(members, keys)
  const statements = verifyStatements(members, keys)
  requireKeysInTheirTime(statements)
  requireArtifactsOfRun(members)
  const checkpoint = verifyCheckpoint(members, keys)
  const events = verifyEvents(members, checkpoint)
  verifyEnd(members, statements, checkpoint)
  const missing = listIn<VerifiedBundle['missing'][number]>(members, 'COMPLETENESS.json', 'missing')
  const audit = { origin: checkpoint.origin, size: checkpoint.size, events }
  return { memberCount: members.size - 2, signedBy, keys, statements, audit, missing }
}

/** All statements are of the run's end: their keys were in use then. */
function requireKeysInTheirTime(statements: readonly VerifiedStatement[]): void {
  const run = statements.find(({ name }) => name === 'run')
  const times = run?.predicate.times as { finished?: string } | undefined
  const at = Date.parse(times?.finished ?? '')
  for (const { name, signedBy } of statements) {
    const from = signedBy.validFrom.getTime() - clockToleranceMs
    const until = (signedBy.validUntil?.getTime() ?? Number.POSITIVE_INFINITY) + clockToleranceMs
    if (!(at >= from && at <= until)) {
      throw new BadMember(
        `statements/${name}.sigstore.json`,
        `signed at ${times?.finished}, when the key sha256:${signedBy.fingerprint} was not in use`,
      )
    }
  }
}

function requireArtifactsOfRun(members: Members): void {
  const artifacts = listIn<{ sha256?: string }>(members, 'run/manifest.json', 'artifacts')
  const known = new Set(artifacts.map((artifact) => artifact.sha256))
  for (const [path, bytes] of members) {
    if (path.startsWith('artifacts/') && !known.has(sha256(bytes)))
      throw new BadMember(path, 'run/manifest.json does not name it')
  }
}
