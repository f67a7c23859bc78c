import { sql } from 'kysely'
import type { Tx } from './tenancy.ts'

/** Since it was heard last, or its task's lease ended, until a host counts as away: servers that were away as well are reached again by then. */
export const awayMs = 15_000

/** The host's name, where it is away; undefined: it is not. */
export async function findAwayHost(tx: Tx, hostId: string): Promise<string | undefined> {
  const host = await tx
    .selectFrom('hosts')
    .select('name')
    .where('id', '=', hostId)
    .where('status', '<>', 'online')
    .where('last_seen_at', '<', sql<Date>`now() - ${awayMs} * interval '1 millisecond'`)
    .executeTakeFirst()
  return host?.name
}
