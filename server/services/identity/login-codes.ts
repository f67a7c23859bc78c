import type { Operation, Tx } from '../../db/tenancy.ts'
import { createToken, hashToken } from '../tokens/tokens.ts'

/** How long a one-time code may be used. */
const loginCodeMs = 24 * 3_600_000

export interface LoginCode {
  /** Shown once; its hash is stored. */
  readonly code: string
  readonly expiresAt: Date
}

/** Issuer of the codes that the server itself prints: whoever operates it. */
export const operatorActor = 'operator'

export interface CodeOrigin {
  /**
   * invitation: for who has never logged in, and worth nothing once they have · recovery: two owners agreed · operator:
   * FAIRWAY_OWNER_CODE.
   */
  readonly kind: 'invitation' | 'recovery' | 'operator'
  /** Actors through whose hands the code goes (see server/governance/approvals/same-person.ts). */
  readonly issuedBy: readonly string[]
}

/** A new code for the member; those made before are void. */
export async function createLoginCode(
  tx: Tx,
  op: Operation,
  memberId: string,
  { kind, issuedBy }: CodeOrigin,
): Promise<LoginCode> {
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
      kind,
      issued_by: [...issuedBy],
    })
    .execute()
  return { code, expiresAt }
}

/**
 * Whose code it is, once: among concurrent uses one wins. Undefined when used, void or expired. Whoever had a session
 * already voided their invitations with it (see startSession).
 */
export async function useLoginCode(
  tx: Tx,
  code: string,
): Promise<{ memberId: string; issuedBy: readonly string[]; kind: CodeOrigin['kind'] } | undefined> {
  const now = new Date()
  const used = await tx
    .updateTable('login_codes')
    .set({ used_at: now })
    .where('code_hash', '=', hashToken(code))
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .returning(['member_id', 'issued_by', 'kind'])
    .executeTakeFirst()
  return used && { memberId: used.member_id, issuedBy: used.issued_by, kind: used.kind }
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

/** Whether the member ever had a token, in whatever way, since they were added (last). */
export async function hasLoggedIn(tx: Tx, member: { id: string; created_at: Date }): Promise<boolean> {
  const token = await tx
    .selectFrom('tokens')
    .select('id')
    .where('member_id', '=', member.id)
    .where('created_at', '>=', member.created_at)
    .limit(1)
    .executeTakeFirst()
  return token !== undefined
}
