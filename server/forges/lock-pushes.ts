import { sql } from 'kysely'
import type { Tx } from '../db/tenancy.ts'

/**
 * Until the commit no other delivery or poll says what was pushed to the project. The first statement of a transaction: whoever
 * waits for it holds nothing that whoever has it needs.
 */
export async function lockPushes(tx: Tx, projectId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`pushes:${projectId}`}, 0))`.execute(tx)
}
