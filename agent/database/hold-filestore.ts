import type { Cell } from '../storage/records.ts'
import { WRITER } from './names.ts'
import { connectOwn, ownSettings } from './own-session.ts'

/**
 * Keeps Odoo from deleting files of the filestore until it is copied: its garbage collector takes a SHARE lock on
 * ir_attachment (and skips its turn when it does not get it), which this one conflicts with; reading and writing
 * attachments does not. Done with the rights of Odoo's role: where it may not lock the table, its collector can't either.
 *
 * @returns what lets go.
 */
export async function holdFilestore(cell: Cell, signal: AbortSignal): Promise<() => Promise<void>> {
  const settings = { ...ownSettings(cell), lock_timeout: '60s', idle_in_transaction_session_timeout: '0' }
  const client = await connectOwn(cell, WRITER, settings, signal)
  try {
    await client.query('BEGIN')
    const { rows } = await client.query<{ found: boolean }>(
      `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relname = 'ir_attachment' AND c.relkind = 'r'
          AND has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE')) AS found`,
    )
    if (rows[0]?.found) await client.query('LOCK TABLE ONLY public.ir_attachment IN ROW EXCLUSIVE MODE')
    return () => client.end()
  } catch (error) {
    await client.end()
    throw error
  }
}
