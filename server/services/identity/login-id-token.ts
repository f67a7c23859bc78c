import type { JWTPayload } from 'jose'
import type { AppContext } from '../../context.ts'
import { operation, type Tx, withTenant } from '../../db/tenancy.ts'
import { DomainError, wrongState } from '../../errors.ts'
import { createIssuer } from './id-tokens.ts'
import { type Session, startSession } from './sessions.ts'

type Login = (request: { idToken: string; name: string }, requestId: string) => Promise<Session>

/**
 * Logs people in with an ID token of the server's OpenID provider: as the member whose name is the verified e-mail
 * address, in the organization of the configuration. Throws `oidc-not-configured`, `email-unverified`,
 * `member-unknown` and what Issuer.verify throws.
 */
export function createIdTokenLogin({ config, db }: AppContext): Login {
  const { oidc } = config
  const issuer = oidc && createIssuer(oidc.issuer)
  return async ({ idToken, name }, requestId) => {
    if (!oidc || !issuer) {
      throw wrongState(
        'oidc-not-configured',
        'This server has no OpenID provider. Log in with a code: `fairway login --code CODE`.',
      )
    }
    const claims = await issuer.verify(idToken, oidc.clientId)
    const email = requireVerifiedEmail(claims, oidc.clientId)
    const organization = await db.scheduler
      .selectFrom('organizations')
      .select('id')
      .where('name', '=', config.organization)
      .executeTakeFirst()
    if (!organization) throw unknownMember(email)
    const op = operation(organization.id, 'server', requestId)
    return await withTenant(db, op, async (tx) => {
      const member = await findMemberByEmail(tx, email)
      if (!member) throw unknownMember(email)
      return await startSession(tx, op, member, { name, by: 'oidc' })
    })
  }
}

function requireVerifiedEmail(claims: JWTPayload, clientId: string): string {
  if (claims.azp !== undefined && claims.azp !== clientId) {
    throw new DomainError('unauthenticated', 'id-token-invalid', 'The ID token is another client’s.')
  }
  const { email, email_verified } = claims
  if (typeof email !== 'string' || !email.includes('@') || email_verified !== true) {
    throw new DomainError(
      'unauthenticated',
      'email-unverified',
      'The provider does not vouch for an e-mail address of yours (claims email, email_verified). ' +
        'Verify it there, or ask an owner for a code: `fairway member invite NAME`.',
    )
  }
  return email.toLowerCase()
}

const findMemberByEmail = (tx: Tx, email: string) =>
  tx
    .selectFrom('members')
    .select(['id', 'name', 'role'])
    .where((eb) => eb(eb.fn<string>('lower', ['name']), '=', email))
    .where('removed_at', 'is', null)
    .executeTakeFirst()

const unknownMember = (email: string) =>
  new DomainError(
    'unauthenticated',
    'member-unknown',
    `${email} is no member here. An owner can add you: \`fairway member add ${email} --role developer\`.`,
  )
