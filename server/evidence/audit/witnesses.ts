import { sql } from 'kysely'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { type Operation, type Tx, withTenant } from '../../db/tenancy.ts'

/** What keeps checkpoints outside the database, and what it said of the latest. */
export interface Witness {
  /** `blobs`, `host:one`, `server` (which signs nothing that does not extend what it signed) */
  readonly name: string
  /** Of the newest checkpoint that it keeps. */
  readonly size: number
  /** Why it refused the latest one; empty: it did not. */
  readonly refusal: string
}

/**
 * Notes what a witness said, in a transaction of the server's own. A refusal that was none before is audited and
 * logged as an error: somebody rewrote history, or a server signs for another one.
 */
export async function recordWitness(
  { db, log }: Pick<AppContext, 'db' | 'log'>,
  op: Operation,
  witness: Witness,
): Promise<void> {
  const { name, size, refusal } = witness
  const refused = await withTenant(db, op, async (tx) => {
    const before = await tx
      .selectFrom('audit_witnesses')
      .select('refusal')
      .where('name', '=', name)
      .forUpdate()
      .executeTakeFirst()
    await tx
      .insertInto('audit_witnesses')
      .values({ organization_id: op.organizationId, name, size, refusal })
      .onConflict((conflict) =>
        conflict
          .columns(['organization_id', 'name'])
          .doUpdateSet({ size, refusal, seen_at: sql<Date>`now()` }),
      )
      .execute()
    if (!refusal || before?.refusal) return false
    await audit(tx, op, 'audit.checkpoint-refused', { kind: 'witness', id: name }, { size, refusal })
    return true
  })
  if (refused) {
    log.error({ tenant: op.organizationId, witness: name, size, refusal }, 'an audit checkpoint was refused')
  }
}

export const listWitnesses = (tx: Tx): Promise<(Witness & { readonly seenAt: Date })[]> =>
  tx
    .selectFrom('audit_witnesses')
    .select(['name', 'size', 'refusal', 'seen_at as seenAt'])
    .orderBy('name')
    .execute()
