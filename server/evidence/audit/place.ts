import { sql } from 'kysely'
import type { Operation, Tx } from '../../db/tenancy.ts'
import { leafHash } from '../tree/hashes.ts'
import { auditRows, leafOf } from './leaf.ts'
import { readFrontier, readSize, storeLeaves } from './stored-tree.ts'

/** Events that are placed in one transaction. */
export const placeBatch = 500

/** First key of the advisory locks under which an organization's tree grows. */
const treeLock = 7_236_112

/** One transaction at a time works on the organization's tree; the lock ends with it. */
export async function lockTree(tx: Tx, { organizationId }: Operation): Promise<void> {
  await sql`select pg_advisory_xact_lock(${treeLock}, hashtext(${organizationId}))`.execute(tx)
}

/**
 * Gives committed events without a place theirs, ordered by id behind all that have one: at most `placeBatch` of them;
 * says how many. Only ids above `above` are looked at. An event that commits after a later one has been placed comes
 * after it in the tree. For the server's own operations (`operation`), under `lockTree`.
 */
export async function placeEvents(tx: Tx, op: Operation, above = 0): Promise<number> {
  const rows = await auditRows(tx)
    .where('audit_events.organization_id', '=', op.organizationId)
    .where('audit_events.id', '>', above)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('audit_leaves').select('index').whereRef('event_id', '=', 'audit_events.id'))),
    )
    .orderBy('audit_events.id')
    .limit(placeBatch)
    .execute()
  if (rows.length === 0) return 0
  const frontier = await readFrontier(tx, await readSize(tx))
  const organization = await readOrganization(tx)
  await storeLeaves(
    tx,
    op,
    frontier,
    rows.map((row) => ({ eventId: row.id, hash: leafHash(Buffer.from(leafOf(organization, row))) })),
  )
  return rows.length
}

/** The organization's name. */
export async function readOrganization(tx: Tx): Promise<string> {
  return (await tx.selectFrom('organizations').select('name').executeTakeFirstOrThrow()).name
}
