import { randomUUID } from 'node:crypto'
import type { AppContext } from '../context.ts'
import { withTenant } from '../db/tenancy.ts'
import { DomainError } from '../errors.ts'
import type { Caller } from './permissions.ts'
import { hashToken } from './tokens.ts'

/** A member who presented a valid token. */
export interface Identity extends Caller {
  readonly organization: string
  readonly member: string
  readonly tokenName: string
}

/** The same answer for a missing, malformed, unknown, expired and revoked token. */
const refused = () =>
  new DomainError('unauthenticated', 'token-invalid', 'This needs a valid token. Run `fairway login`.')

/** Who the value of an `Authorization` header speaks for. Throws `unauthenticated`. */
export async function authenticate(
  { db }: AppContext,
  authorization: string | null,
  requestId: string = randomUUID(),
): Promise<Identity> {
  const token = /^Bearer (ft_[\w-]{20,100})$/i.exec(authorization ?? '')?.[1]
  if (!token) throw refused()
  const found = await db.scheduler
    .selectFrom('tokens')
    .select(['id', 'organization_id', 'member_id', 'expires_at', 'revoked_at'])
    .where('token_hash', '=', hashToken(token))
    .executeTakeFirst()
  if (!found || found.revoked_at || (found.expires_at && found.expires_at <= new Date())) throw refused()
  const anonymous = { organizationId: found.organization_id, actor: 'token', requestId }
  const row = await withTenant(db, anonymous, (tx) =>
    tx
      .selectFrom('tokens')
      .innerJoin('members', 'members.id', 'tokens.member_id')
      .innerJoin('organizations', 'organizations.id', 'tokens.organization_id')
      .select(['organizations.name as organization', 'members.name as member', 'members.role', 'tokens.name'])
      .where('tokens.id', '=', found.id)
      .executeTakeFirst(),
  )
  if (!row) throw refused()
  return {
    organizationId: found.organization_id,
    organization: row.organization,
    actor: `member:${row.member}`,
    member: row.member,
    role: row.role,
    tokenName: row.name,
    requestId,
  }
}
