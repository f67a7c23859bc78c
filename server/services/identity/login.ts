import type { AppContext } from '../../context.ts'
import { operation, type Tx, withTenant } from '../../db/tenancy.ts'
import { DomainError } from '../../errors.ts'
import { hashToken } from '../tokens/tokens.ts'
import { useLoginCode } from './login-codes.ts'
import { type Session, startSession } from './sessions.ts'

const refused = () =>
  new DomainError(
    'unauthenticated',
    'code-invalid',
    'This code is unknown, used or expired. An owner makes a new one with `fairway member invite NAME`, for ' +
      'who has logged in before two do with `fairway member recover NAME`; until the first owner has logged in, each start of the server prints one.',
  )

/** A one-time code buys a session. Throws `code-invalid`, in the same words for unknown, used, void and expired. */
export async function loginWithCode(
  { db }: AppContext,
  { code, name }: { code: string; name: string },
  requestId: string,
): Promise<Session> {
  const known = await db.scheduler
    .selectFrom('login_codes')
    .select('organization_id')
    .where('code_hash', '=', hashToken(code.trim()))
    .executeTakeFirst()
  if (!known) throw refused()
  const op = operation(known.organization_id, 'server', requestId)
  return await withTenant(db, op, async (tx) => {
    const used = await useLoginCode(tx, code.trim())
    const member = used && (await findLivingMember(tx, used.memberId))
    if (!used || !member) throw refused()
    return await startSession(tx, op, member, { name, by: 'code', issuedBy: used.issuedBy })
  })
}

const findLivingMember = (tx: Tx, id: string) =>
  tx
    .selectFrom('members')
    .select(['id', 'name', 'role'])
    .where('id', '=', id)
    .where('removed_at', 'is', null)
    .executeTakeFirst()
