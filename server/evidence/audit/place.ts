import { sql } from 'kysely'
import type { AppContext } from '../../context.ts'
import { type Operation, type Tx, withTenant } from '../../db/tenancy.ts'
import { leafHash } from '../tree/hashes.ts'
import { auditRows, leafOf } from './leaf.ts'
import { readFrontier, readSize, storeLeaves } from './stored-tree.ts'

/** Events that are placed in one transaction. */
const batch = 500

/** First key of the advisory locks under which an organization's tree grows. */
const treeLock = 7_236_112

/** One transaction at a time works on the organization's tree; the lock ends with it. */
export async function lockTree(tx: Tx, { organizationId }: Operation): Promise<void> {
  await sql`select pg_advisory_xact_lock(${treeLock}, hashtext(${organizationId}))`.execute(tx)
}

/**
 * Gives every committed event with an id above `above` its place, ordered by id behind all that have one; in several
 * transactions where they are many. An event that commits after a later one has been placed comes after it in the tree.
 */
export async function placeEvents(
  db: AppContext['db'],
  op: Operation,
  above: number,
  signal?: AbortSignal,
): Promise<void> {
  for (let last: number | undefined = above; last !== undefined && !signal?.aborted; ) {
    const after: number = last
    last = await withTenant(db, op, async (tx) => {
      await lockTree(tx, op)
      return await placeSome(tx, op, after)
    })
  }
}

/** The id of the last one that it placed; undefined when no more wait. */
async function placeSome(tx: Tx, op: Operation, above: number): Promise<number | undefined> {
  const rows = await auditRows(tx)
    .where('audit_events.organization_id', '=', op.organizationId)
    .where('audit_events.id', '>', above)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('audit_leaves').select('index').whereRef('event_id', '=', 'audit_events.id'))),
    )
    .orderBy('audit_events.id')
    .limit(batch)
    .execute()
  if (rows.length === 0) return undefined
  const frontier = await readFrontier(tx, await readSize(tx))
  const organization = await readOrganization(tx)
  await storeLeaves(
    tx,
    op,
    frontier,
    rows.map((row) => ({ eventId: row.id, hash: leafHash(Buffer.from(leafOf(organization, row))) })),
  )
  return rows.length === batch ? rows.at(-1)!.id : undefined
}

/** The organization's name. */
export async function readOrganization(tx: Tx): Promise<string> {
  return (await tx.selectFrom('organizations').select('name').executeTakeFirstOrThrow()).name
}
