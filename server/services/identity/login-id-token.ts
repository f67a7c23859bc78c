import type { JWTPayload } from 'jose'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { type Operation, operation, type Tx, withTenant } from '../../db/tenancy.ts'
import { DomainError, wrongState } from '../../errors.ts'
import { createIssuer } from './id-tokens.ts'
import { type Session, startSession } from './sessions.ts'

type Login = (request: { idToken: string; name: string }, requestId: string) => Promise<Session>

/**
 * Logs people in with an ID token of the server's OpenID provider: as the member whose name is the verified e-mail
 * address, in the organization of the configuration. From then on the member is that subject of the provider's, and no
 * other member is: an address that was given to somebody else, and one person with two addresses, get in once only.
 * Throws `oidc-not-configured`, `email-unverified`, `member-unknown`, `subject-changed`, `subject-taken` and what
 * Issuer.verify throws.
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
      await requireSubject(tx, op, member, { issuer: oidc.issuer, subject: String(claims.sub) })
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

/** Throws `subject-changed`, `subject-taken`. The first login pins it, with an event. */
async function requireSubject(
  tx: Tx,
  op: Operation,
  member: { id: string; name: string; oidc_issuer: string | null; oidc_subject: string | null },
  { issuer, subject }: { issuer: string; subject: string },
): Promise<void> {
  if (member.oidc_subject === subject && member.oidc_issuer === issuer) return
  if (member.oidc_subject !== null && member.oidc_issuer === issuer) {
    throw new DomainError(
      'unauthenticated',
      'subject-changed',
      `The provider knows ${member.name} as another person than at their first login. If that is right, an owner removes ` +
        'the member and adds them anew: `fairway member remove`, `fairway member add`.',
    )
  }
  const taken = await tx
    .selectFrom('members')
    .select('name')
    .where('oidc_issuer', '=', issuer)
    .where('oidc_subject', '=', subject)
    .where('removed_at', 'is', null)
    .executeTakeFirst()
  if (taken) {
    throw new DomainError(
      'unauthenticated',
      'subject-taken',
      `The provider knows ${taken.name} as the same person, and one person is one member here: log in as ${taken.name}.`,
    )
  }
  await tx
    .updateTable('members')
    .set({ oidc_issuer: issuer, oidc_subject: subject })
    .where('id', '=', member.id)
    .execute()
  const details = { member: member.name, issuer, subject, before: member.oidc_issuer }
  await audit(tx, op, 'member.identify', { kind: 'member', id: member.id }, details)
}

/** Locked, so that two first logins do it one after the other. */
const findMemberByEmail = (tx: Tx, email: string) =>
  tx
    .selectFrom('members')
    .select(['id', 'name', 'role', 'oidc_issuer', 'oidc_subject'])
    .where((eb) => eb(eb.fn<string>('lower', ['name']), '=', email))
    .where('removed_at', 'is', null)
    .forUpdate()
    .executeTakeFirst()

const unknownMember = (email: string) =>
  new DomainError(
    'unauthenticated',
    'member-unknown',
    `${email} is no member here. An owner can add you: \`fairway member add ${email} --role developer\`.`,
  )
