import type { SecretRefRecord } from '../../db/record.ts'
import type { Tx } from '../../db/tenancy.ts'
import type { Sealer } from '../../sealer.ts'
import { openDataKeys } from './data-keys.ts'
import { openRow, sealedVersions } from './values.ts'

/**
 * Credentials are secrets whose scope is a kind and a host, `git:github.com`, as no environment has one: a colon is in
 * no stage's and no environment's name. A build's tasks name their parts by scope and name: `git:github.com/PASSWORD`.
 */
export const credentialKinds = ['git', 'registry', 'python'] as const
export type CredentialKind = (typeof credentialKinds)[number]

/** PASSWORD comes with a USERNAME, SSH_KEY alone. PUBLIC_KEY is kept to be shown, and goes to no task. */
export type CredentialPart = 'USERNAME' | 'PASSWORD' | 'SSH_KEY' | 'PUBLIC_KEY'
const delivered: readonly string[] = ['USERNAME', 'PASSWORD', 'SSH_KEY'] satisfies CredentialPart[]

export const credentialScope = (kind: CredentialKind, host: string): string => `${kind}:${host}`

/** `LIKE` patterns of scopes in `secrets`. */
export const anyCredential = '%:%'
const ofKind = (kind: CredentialKind) => `${kind}:%`

/** What the project has for hosts of those kinds, in the order of the names. */
export async function listCredentialRefs(
  tx: Tx,
  projectId: string,
  kinds: readonly CredentialKind[],
): Promise<SecretRefRecord[]> {
  const rows = await tx
    .selectFrom('secrets')
    .select(['scope', 'name', 'current_version as version'])
    .where('project_id', '=', projectId)
    .where('deleted_at', 'is', null)
    .where('name', 'in', delivered)
    .where((eb) => eb.or(kinds.map((kind) => eb('scope', 'like', ofKind(kind)))))
    .orderBy('scope')
    .orderBy('name')
    .execute()
  return rows.map(({ scope, name, version }) => ({ name: `${scope}/${name}`, version }))
}

/** The values of just those versions, by full name. One that was deleted, or never was a credential, is missing. */
export async function openCredentials(
  tx: Tx,
  sealer: Sealer,
  projectId: string,
  refs: readonly SecretRefRecord[],
): Promise<Map<string, string>> {
  const wanted = refs.flatMap(({ name, version }) => {
    const [, scope, part] = /^([a-z]+:[^/]+)\/([A-Z_]+)$/.exec(name) ?? []
    return scope && part && delivered.includes(part) ? [{ scope, part, version }] : []
  })
  if (wanted.length === 0) return new Map()
  const rows = await sealedVersions(tx)
    .where('secrets.project_id', '=', projectId)
    .where((eb) =>
      eb.or(
        wanted.map(({ scope, part, version }) =>
          eb.and([
            eb('secrets.scope', '=', scope),
            eb('secrets.name', '=', part),
            eb('secret_versions.version', '=', version),
          ]),
        ),
      ),
    )
    .execute()
  const keys = await openDataKeys(
    tx,
    sealer,
    rows.map((row) => row.data_key_id),
  )
  return new Map(rows.map((row) => [`${row.scope}/${row.name}`, openRow(row, keys)]))
}
