import type { LoginNotice } from '../../../proto/gen/fairway/v1/identity_pb.js'
import { audit } from '../../db/audit.ts'
import type { Operation, Tx } from '../../db/tenancy.ts'
import { invalid } from '../../errors.ts'
import { createToken } from '../tokens/tokens.ts'
import { voidLoginCodes } from './login-codes.ts'
import { loginNotices } from './login-notices.ts'

/** How long somebody stays logged in: for a working day where the provider lets them in again at a click. */
const sessionMs = { code: 30 * 86_400_000, oidc: 12 * 3_600_000 } as const

/** A token of a person or a workflow, as whoever logged in is told of it, once. */
export interface Session {
  readonly token: string
  readonly organization: string
  readonly member: string
  readonly role: string
  readonly expiresAt: Date
  /** What others did about the member's access. */
  readonly notices?: readonly LoginNotice[]
}

/**
 * A session of the member, and the trace of it; codes that were not used are void from here on. The transaction must be
 * the server's own.
 */
export async function startSession(
  tx: Tx,
  op: Operation,
  member: { id: string; name: string; role: string },
  wanted: {
    name: string
    by: keyof typeof sessionMs
    /** Actors through whose hands the code went; none, where it was no code. */
    issuedBy?: readonly string[]
  },
): Promise<Session> {
  const name = wanted.name || 'session'
  if (name.length > 80) throw invalid('name', 'A session’s name has at most 80 characters.')
  await voidLoginCodes(tx, member.id)
  const issuedBy = [...(wanted.issuedBy ?? [])]
  const { token, hash } = createToken('ft_')
  const expiresAt = new Date(Date.now() + sessionMs[wanted.by])
  const row = await tx
    .insertInto('tokens')
    .values({
      organization_id: op.organizationId,
      member_id: member.id,
      kind: 'session',
      name,
      token_hash: hash,
      expires_at: expiresAt,
      issued_by: issuedBy,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const { name: organization } = await tx
    .selectFrom('organizations')
    .select('name')
    .where('id', '=', op.organizationId)
    .executeTakeFirstOrThrow()
  const details = {
    member: member.name,
    name,
    by: wanted.by,
    issuedBy,
    expiresAt: expiresAt.toISOString(),
  }
  const notices = (await loginNotices(tx, [member.id])).get(member.id)
  await audit(
    tx,
    { ...op, actor: `member:${member.name}` },
    'session.start',
    { kind: 'token', id: row.id },
    details,
  )
  return { token, organization, member: member.name, role: member.role, expiresAt, notices }
}
