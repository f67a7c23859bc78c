import type { SecretRefRecord } from '../../db/record.ts'
import type { Tx } from '../../db/tenancy.ts'
import type { Sealer } from '../../sealer.ts'
import { type DataKey, openDataKeys } from './data-keys.ts'
import { openValue, type ValueBinding } from './envelope.ts'
import { type SecretPlace, scopesOf } from './scopes.ts'

/**
 * The values of just those versions, by name. Versions count by project and name, whatever the scope, so that a name
 * and a version say one value. One that was deleted, or whose scope is not the place's, is missing in the answer.
 */
export async function openSecrets(
  tx: Tx,
  sealer: Sealer,
  place: SecretPlace,
  refs: readonly SecretRefRecord[],
): Promise<Map<string, string>> {
  const rows = await findVersions(tx, place, refs)
  const keys = await openDataKeys(
    tx,
    sealer,
    rows.map((row) => row.data_key_id),
  )
  return new Map(rows.map((row) => [row.name, openRow(row, keys)]))
}

/** Those that `openSecrets` would open. */
export async function listLivingRefs(
  tx: Tx,
  place: SecretPlace,
  refs: readonly SecretRefRecord[],
): Promise<SecretRefRecord[]> {
  const rows = await findVersions(tx, place, refs)
  return rows.map(({ name, version }) => ({ name, version }))
}

async function findVersions(tx: Tx, place: SecretPlace, refs: readonly SecretRefRecord[]) {
  if (refs.length === 0) return []
  return await sealedVersions(tx)
    .where('secrets.project_id', '=', place.projectId)
    .where('secrets.scope', 'in', scopesOf(place.environment))
    .where((eb) =>
      eb.or(
        refs.map(({ name, version }) =>
          eb.and([eb('secrets.name', '=', name), eb('secret_versions.version', '=', version)]),
        ),
      ),
    )
    .orderBy('secrets.name')
    .execute()
}

export interface SealedVersion {
  readonly organization_id: string
  readonly secret_id: string
  readonly version: number
  readonly data_key_id: string
  readonly value_sealed: Buffer
  readonly name: string
  readonly project_id: string
  readonly scope: string
}

/** Versions of secrets that are not deleted. */
export const sealedVersions = (tx: Tx) =>
  tx
    .selectFrom('secret_versions')
    .innerJoin('secrets', 'secrets.id', 'secret_versions.secret_id')
    .selectAll('secret_versions')
    .select(['secrets.name', 'secrets.project_id', 'secrets.scope'])
    .where('secrets.deleted_at', 'is', null)

export function openRow(row: SealedVersion, keys: ReadonlyMap<string, DataKey>): string {
  const dataKey = keys.get(row.data_key_id)
  if (!dataKey)
    throw new Error(`Secret ${row.secret_id} version ${row.version} names a data key that is not there`)
  return openValue(dataKey.key, row.value_sealed, bindingOf(row), dataKey.acceptFormat1)
}

export const bindingOf = (row: Omit<SealedVersion, 'value_sealed' | 'data_key_id'>): ValueBinding => ({
  organizationId: row.organization_id,
  projectId: row.project_id,
  scope: row.scope,
  secretId: row.secret_id,
  name: row.name,
  version: row.version,
})
