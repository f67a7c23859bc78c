import { sql } from 'kysely'
import type { Tx } from './tenancy.ts'

/** Does all of `fn` or nothing of it; where it throws, the transaction goes on as it was before, and as who it was. */
export async function inSavepoint<T>(tx: Tx, fn: () => Promise<T>): Promise<T> {
  await sql`savepoint attempt`.execute(tx)
  try {
    const result = await fn()
    await sql`release savepoint attempt`.execute(tx)
    return result
  } catch (error) {
    await sql`rollback to savepoint attempt`.execute(tx)
    await sql`release savepoint attempt`.execute(tx)
    throw error
  }
}
