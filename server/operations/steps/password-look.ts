import type { Engine } from '../../runs/replay.ts'
import { minutes } from './wording.ts'

/** Odoo's own users are three; a hostile database may have more of the name. */
export const mostLogins = 10

/**
 * Asks a cell's host whom a password that every Odoo has lets in, and keeps the answer with the cell. Undefined, and nothing
 * kept, of an agent that does not tell. Throws TaskFailed where the host could not look.
 */
export async function lookAtPasswords(
  engine: Engine,
  cellId: string,
  key: string,
): Promise<readonly string[] | undefined> {
  const { defaultPasswords } = await engine.task(
    key,
    'inspectCell',
    { cellId, defaultPasswords: true },
    { timeoutMs: minutes(10) },
  )
  if (!defaultPasswords) return undefined
  const logins = defaultPasswords.logins.slice(0, mostLogins)
  await engine.note({ defaultLogins: logins })
  await engine.once(`${key}:kept`, () =>
    engine.state.tx
      .updateTable('cells')
      .set({ default_logins: logins, passwords_looked_at: new Date() })
      .where('id', '=', cellId)
      .execute(),
  )
  return logins
}
