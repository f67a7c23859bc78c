import { invalid } from '../../errors.ts'
import { type CredentialKind, credentialKinds } from '../../governance/secrets/credentials.ts'

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const hostPattern = new RegExp(`^${label}(?:\\.${label})*(?::([1-9]\\d{0,4}))?$`)

/** Throws `invalid-kind`. */
export function requireKind(kind: string): CredentialKind {
  const known = credentialKinds.find((each) => each === kind)
  if (known) return known
  throw invalid(
    'kind',
    `${JSON.stringify(kind.slice(0, 80))} is no kind of credential: give ${credentialKinds.join(', ')}.`,
  )
}

/** A name or IPv4 address with an optional port, in lower case: `git.example:8443`. Throws `invalid-host`. */
export function requireHost(host: string): string {
  const [matched, port] = hostPattern.exec(host) ?? []
  if (matched && host.length <= 253 && Number(port ?? 1) <= 65_535) return host
  throw invalid(
    'host',
    `${JSON.stringify(host.slice(0, 80))} is no host: give its name in lower case, with a port where it has its own, ` +
      'as in github.com or git.example:8443, without https:// and without a path.',
  )
}
