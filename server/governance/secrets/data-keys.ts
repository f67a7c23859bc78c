import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { Operation, Tx } from '../../db/tenancy.ts'
import type { Sealer } from '../../sealer.ts'
import { dataKeyBytes, envelopeFormat } from './envelope.ts'

/** The key that an organization's values are sealed with, itself sealed with the master key. */
export interface DataKey {
  readonly id: string
  readonly version: number
  readonly key: Buffer
  /** Whether values of envelope format 1 under it are opened still. */
  readonly acceptFormat1: boolean
}

/** Label under which the master key seals a data key: it opens for that organization, version and envelope format only. */
export const dataKeyLabel = (organizationId: string, version: number, envelope: number): string =>
  `data-key:${organizationId}:${version}${envelope === 1 ? '' : `:envelope-${envelope}`}`

/** The newest key; the first secret of an organization makes it. The caller may write data_keys. */
export async function currentDataKey(tx: Tx, op: Operation, sealer: Sealer): Promise<DataKey> {
  await lockKeys(tx, op)
  const row = await tx
    .selectFrom('data_keys')
    .selectAll()
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row ? opened(row, sealer, row.envelope === 1) : await addKey(tx, op, sealer, 1)
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
  const acceptFormat1 = !(await hasRotated(tx))
  return new Map(rows.map((row) => [row.id, opened(row, sealer, acceptFormat1)]))
}

/** One at a time in an organization, until the transaction ends: two first keys, or a value under a key on its way out. */
const lockKeys = (tx: Tx, op: Operation) =>
  sql`select pg_advisory_xact_lock(hashtextextended(${`data-keys:${op.organizationId}`}, 0))`.execute(tx)

interface DataKeyRow {
  readonly id: string
  readonly organization_id: string
  readonly version: number
  readonly key_sealed: Buffer
  readonly envelope: number
}

const opened = (
  { id, organization_id, version, key_sealed, envelope }: DataKeyRow,
  sealer: Sealer,
  acceptFormat1: boolean,
): DataKey => ({
  id,
  version,
  key: sealer.open(key_sealed, dataKeyLabel(organization_id, version, envelope)),
  acceptFormat1,
})

/**
 * Whether the organization has a key that seals the present format only, as every new one does. With such a key come all
 * values sealed anew, so that one of format 1 from here on was put there by somebody else.
 */
async function hasRotated(tx: Tx): Promise<boolean> {
  const row = await tx
    .selectFrom('data_keys')
    .select('id')
    .where('envelope', '>', 1)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

async function addKey(tx: Tx, op: Operation, sealer: Sealer, version: number): Promise<DataKey> {
  const key = randomBytes(dataKeyBytes)
  const { id } = await tx
    .insertInto('data_keys')
    .values({
      organization_id: op.organizationId,
      version,
      key_sealed: sealer.seal(key, dataKeyLabel(op.organizationId, version, envelopeFormat)),
      envelope: envelopeFormat,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return { id, version, key, acceptFormat1: false }
}
