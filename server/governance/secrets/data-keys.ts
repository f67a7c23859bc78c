import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { Operation, Tx } from '../../db/tenancy.ts'
import type { Sealer } from '../../sealer.ts'
import { dataKeyBytes } from './envelope.ts'

/** The key that an organization's values are sealed with, itself sealed with the master key. */
export interface DataKey {
  readonly id: string
  readonly version: number
  readonly key: Buffer
}

/** Label under which the master key seals a data key: it opens for that organization and version only. */
export const dataKeyLabel = (organizationId: string, version: number): string =>
  `data-key:${organizationId}:${version}`

/** The newest key; the first secret of an organization makes it. The caller may write data_keys. */
export async function currentDataKey(tx: Tx, op: Operation, sealer: Sealer): Promise<DataKey> {
  await lockKeys(tx, op)
  const row = await tx
    .selectFrom('data_keys')
    .selectAll()
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row ? opened(row, sealer) : await addKey(tx, op, sealer, 1)
}

/** A key to seal everything anew with. The caller may write data_keys. */
export async function nextDataKey(tx: Tx, op: Operation, sealer: Sealer): Promise<DataKey> {
  const { version } = await currentDataKey(tx, op, sealer)
  return await addKey(tx, op, sealer, version + 1)
}

/** Opens the keys that sealed values name. */
export async function openDataKeys(
  tx: Tx,
  sealer: Sealer,
  ids: readonly string[],
): Promise<Map<string, DataKey>> {
  if (ids.length === 0) return new Map()
  const rows = await tx
    .selectFrom('data_keys')
    .selectAll()
    .where('id', 'in', [...new Set(ids)])
    .execute()
  return new Map(rows.map((row) => [row.id, opened(row, sealer)]))
}

/** One at a time in an organization, until the transaction ends: two first keys, or a value under a key on its way out. */
const lockKeys = (tx: Tx, op: Operation) =>
  sql`select pg_advisory_xact_lock(hashtextextended(${`data-keys:${op.organizationId}`}, 0))`.execute(tx)

interface DataKeyRow {
  readonly id: string
  readonly organization_id: string
  readonly version: number
  readonly key_sealed: Buffer
}

const opened = ({ id, organization_id, version, key_sealed }: DataKeyRow, sealer: Sealer): DataKey => ({
  id,
  version,
  key: sealer.open(key_sealed, dataKeyLabel(organization_id, version)),
})

async function addKey(tx: Tx, op: Operation, sealer: Sealer, version: number): Promise<DataKey> {
  const key = randomBytes(dataKeyBytes)
  const { id } = await tx
    .insertInto('data_keys')
    .values({
      organization_id: op.organizationId,
      version,
      key_sealed: sealer.seal(key, dataKeyLabel(op.organizationId, version)),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return { id, version, key }
}
