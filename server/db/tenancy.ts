import { randomUUID } from 'node:crypto'
import { sql, type Transaction } from 'kysely'
import type { Databases } from './databases.ts'
import type { Schema } from './schema.ts'

export type Tx = Transaction<Schema>

/** On whose behalf something happens; goes with every transaction and audit row. */
export interface Operation {
  readonly organizationId: string
  /** `member:ana`, `host:one`, `github`, `scheduler` */
  readonly actor: string
  readonly requestId: string
}

export const operation = (organizationId: string, actor: string): Operation => ({
  organizationId,
  actor,
  requestId: randomUUID(),
})

const retriable = new Set(['40001', '40P01'])
const attempts = 3

/**
 * The only way to tenant rows: one transaction whose scope is the operation's organization. Row-level security
 * shows and takes nothing else. A serialization failure or deadlock runs `fn` again, at most twice: it must have
 * no effect outside the database.
 */
export async function withTenant<T>(db: Databases, op: Operation, fn: (tx: Tx) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.app.transaction().execute(async (tx) => {
        await sql`select set_config('fairway.organization', ${op.organizationId}, true)`.execute(tx)
        return await fn(tx)
      })
    } catch (error) {
      if (attempt >= attempts || !retriable.has((error as { code?: string }).code ?? '')) throw error
    }
  }
}
