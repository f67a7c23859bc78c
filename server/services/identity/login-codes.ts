import type { Operation, Tx } from '../../db/tenancy.ts'
import { createToken, hashToken } from '../tokens/tokens.ts'

/** How long a one-time code may be used. */
const loginCodeMs = 24 * 3_600_000

export interface LoginCode {
  /** Shown once; its hash is stored. */
  readonly code: string
  readonly expiresAt: Date
}

/** A new code for the member; those made before are void. */
export async function createLoginCode(tx: Tx, op: Operation, memberId: string): Promise<LoginCode> {
  await voidLoginCodes(tx, memberId)
  const { token: code, hash } = createToken('fc_')
  const expiresAt = new Date(Date.now() + loginCodeMs)
  await tx
    .insertInto('login_codes')
    .values({
      organization_id: op.organizationId,
      member_id: memberId,
      code_hash: hash,
      expires_at: expiresAt,
    })
    .execute()
  return { code, expiresAt }
}

/** The member whose code it is, once: among concurrent uses one wins. Undefined when used, void or expired. */
export async function useLoginCode(tx: Tx, code: string): Promise<string | undefined> {
  const now = new Date()
  const used = await tx
    .updateTable('login_codes')
    .set({ used_at: now })
    .where('code_hash', '=', hashToken(code))
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .returning('member_id')
    .executeTakeFirst()
  return used?.member_id
}

export async function voidLoginCodes(tx: Tx, memberId: string): Promise<void> {
  const now = new Date()
  await tx
    .updateTable('login_codes')
    .set({ expires_at: now })
    .where('member_id', '=', memberId)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .execute()
}
