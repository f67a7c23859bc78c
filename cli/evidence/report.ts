import { formatTime } from '../../lib/words/times.ts'
import type { Output } from '../output.ts'
import type { VerifiedBundle } from './verify.ts'

/** What a bundle holds, for people. */
export function printBundle(out: Output, bundle: VerifiedBundle): void {
  const { statements, audit, missing, memberCount } = bundle
  out.list(
    statements,
    [
      { title: 'STATEMENT', value: ({ name }) => name },
      { title: 'PREDICATE', value: ({ predicateType }) => predicateType },
      { title: 'ABOUT', value: ({ subjects }) => subjects.map(({ name }) => name).join(', ') },
    ],
    'No statements.',
  )
  out.line()
  out.fields([
    ['Members', String(memberCount)],
    ['Audit', `${audit.events} events in the tree of ${audit.origin}, ${audit.size} events in all`],
    ...missing.map(({ what, why }) => ['Missing', `${what}: ${why}`] as const),
    ...bundle.keys.map(
      ({ purpose, fingerprint, validFrom, validUntil }) =>
        [
          'Key',
          `sha256:${fingerprint}  ${purpose}, from ${formatTime(validFrom)}` +
            (validUntil ? ` until ${formatTime(validUntil)}` : ''),
        ] as const,
    ),
  ])
}

export const bundleJson = (bundle: VerifiedBundle) => ({
  members: bundle.memberCount,
  signedBy: bundle.signedBy.fingerprint,
  statements: bundle.statements.map(({ name, predicateType, subjects, signedBy }) => ({
    name,
    predicateType,
    subjects,
    signedBy: signedBy.fingerprint,
  })),
  audit: bundle.audit,
  missing: bundle.missing,
  keys: bundle.keys.map(({ purpose, fingerprint, validFrom, validUntil }) => ({
    purpose,
    fingerprint,
    validFrom: validFrom.toISOString(),
    validUntil: validUntil?.toISOString() ?? null,
  })),
})
