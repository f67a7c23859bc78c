import { create } from '@bufbuild/protobuf'
import type { ExpressionBuilder, Selectable } from 'kysely'
import { formatTime } from '../../../lib/words/times.ts'
import { type Token, TokenSchema } from '../../../proto/gen/fairway/v1/tokens_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import type { Schema } from '../../db/schema.ts'
import type { TokensTable } from '../../db/tables/identity.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { DomainError, invalid, notFound, wrongState } from '../../errors.ts'
import { authorize, decide } from '../../governance/authorize.ts'
import type { Identity } from '../identity/authenticate.ts'
import { timestampOf } from '../messages.ts'
import { requireProject } from '../projects/projects.ts'
import { isUuid } from '../uuid.ts'
import { requireScopes } from './token-scopes.ts'
import { createToken } from './tokens.ts'

const daySeconds = 86_400
const defaultSeconds = 30 * daySeconds
const mostSeconds = 365 * daySeconds

export interface WantedToken {
  readonly name: string
  readonly scopes: readonly string[]
  /** Empty: every project of the member. */
  readonly project: string
  /** 0: 30 days. */
  readonly lifetimeSeconds: number
}

/**
 * A token for a program, bound to the member who makes it and never worth more than they, or the token they present.
 * The secret is in the answer and nowhere else. Throws `invalid-name`, `invalid-scopes`, `invalid-lifetime-seconds`,
 * `project-not-found`.
 */
export async function createServiceToken(
  { db }: AppContext,
  caller: Identity,
  wanted: WantedToken,
): Promise<{ token: Token; secret: string }> {
  const expiresAt = expiryOf(caller, wanted.lifetimeSeconds)
  if (!/^[\p{L}\p{N}][\p{L}\p{N} ._@/-]{0,79}$/u.test(wanted.name)) {
    throw invalid('name', 'Give the token a name of up to 80 letters, digits, spaces, dots and dashes.')
  }
  return await withTenant(db, caller, async (tx) => {
    const project = wanted.project ? await requireProject(tx, wanted.project) : undefined
    await authorize(tx, caller, 'token.create')
    requireMoreThanAuditor(caller)
    const scopes = await requireScopes(tx, caller, wanted.scopes)
    const { token: secret, hash } = createToken('ft_')
    const row = await tx
      .insertInto('tokens')
      .values({
        organization_id: caller.organizationId,
        member_id: caller.access.memberId,
        kind: 'service',
        name: wanted.name,
        scopes,
        project_id: project?.id ?? caller.tokenProjectId,
        token_hash: hash,
        expires_at: expiresAt,
        issued_by: [...(caller.access.loginIssuers ?? [])],
        parent_id: caller.tokenKind === 'service' ? caller.tokenId : null,
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    const token = tokenMessage(await tokenRows(tx).where('tokens.id', '=', row.id).executeTakeFirstOrThrow())
    const issuedBy = caller.access.loginIssuers ?? []
    const details = { name: wanted.name, member: caller.member, scopes, project: token.project, issuedBy }
    await audit(tx, caller, 'token.create', { kind: 'token', id: row.id, projectId: project?.id }, details)
    return { token, secret }
  })
}

/** A service token outlives itself in none that it makes: whoever stole it would never be rid of. */
function expiryOf({ tokenKind, tokenExpiresAt }: Identity, lifetimeSeconds: number): Date {
  const seconds = lifetimeSeconds || defaultSeconds
  if (!(seconds > 0 && seconds <= mostSeconds)) {
    throw invalid('lifetime-seconds', 'A token lives a year at most.')
  }
  const wanted = new Date(Date.now() + seconds * 1_000)
  if (tokenKind !== 'service' || !tokenExpiresAt || wanted <= tokenExpiresAt) return wanted
  if (lifetimeSeconds === 0) return tokenExpiresAt
  throw invalid(
    'lifetime-seconds',
    `This token ends at ${formatTime(tokenExpiresAt)}, and one that it makes no later. ` +
      'Log in with `fairway login` to make one that lives longer.',
  )
}

/** Who is auditor in every project they see, and nothing besides, changes nothing: as an auditor of the organization. */
function requireMoreThanAuditor({ access }: Identity): void {
  const roles = [...access.projectRoles.values()]
  if (access.role !== 'member' || roles.length === 0 || roles.some((role) => role !== 'auditor')) return
  throw new DomainError(
    'forbidden',
    'permission-denied',
    'Auditors make no tokens: they change nothing. Log in with `fairway login` instead.',
  )
}

/** The caller's own; everybody's for owners and auditors. */
export async function listTokens({ db }: AppContext, caller: Identity, all: boolean): Promise<Token[]> {
  return await withTenant(db, caller, async (tx) => {
    let query = tokenRows(tx).orderBy('tokens.created_at', 'desc')
    if (!seesAllTokens(caller)) query = query.where('tokens.id', 'in', ownTokens(tx, caller))
    if (!all) query = query.where('tokens.revoked_at', 'is', null).where(notExpired)
    return (await query.execute()).map(tokenMessage)
  })
}

const seesAllTokens = ({ access }: Identity): boolean =>
  (access.role === 'owner' || access.role === 'auditor') && access.tokenProjectId === undefined

/**
 * Ends a token, and those that were made with it, by its id or, where one living token of the caller's has it, by its name. Throws `token-not-found`, for
 * another member's as well unless the caller may end anybody's, and `token-ended`.
 */
export async function revokeToken({ db }: AppContext, caller: Identity, token: string): Promise<Token> {
  return await withTenant(db, caller, async (tx) => {
    const row = await requireToken(tx, caller, token)
    const own = row.member_id === caller.access.memberId || row.id === caller.tokenId
    await authorize(tx, caller, own ? 'token.revoke' : 'token.manage')
    const now = new Date()
    const ended = await tx
      .updateTable('tokens')
      .set({ revoked_at: now })
      .where('id', '=', row.id)
      .where('revoked_at', 'is', null)
      .where(notExpired)
      .returning('id')
      .executeTakeFirst()
    if (!ended) throw wrongState('token-ended', `The token ${row.name} has ended already.`)
    const heirs = await endHeirs(tx, row.id, now)
    const subject = { kind: 'token', id: row.id, projectId: row.project_id ?? undefined }
    await audit(tx, caller, 'token.revoke', subject, {
      name: row.name,
      member: row.member ?? row.actor,
      heirs,
    })
    return tokenMessage({ ...row, revoked_at: now })
  })
}

/** Those that a token made, and those that they made, end with it; gives their ids. */
async function endHeirs(tx: Tx, tokenId: string, now: Date): Promise<string[]> {
  const ended: string[] = []
  let parents = [tokenId]
  while (parents.length > 0) {
    const heirs = await tx
      .updateTable('tokens')
      .set({ revoked_at: now })
      .where('parent_id', 'in', parents)
      .where('revoked_at', 'is', null)
      .returning('id')
      .execute()
    parents = heirs.map(({ id }) => id)
    ended.push(...parents)
  }
  return ended
}

async function requireToken(tx: Tx, caller: Identity, text: string): Promise<TokenRow> {
  const manages = (await decide(tx, caller.access, 'token.manage', {})).allowed
  if (isUuid(text)) {
    let query = tokenRows(tx).where('tokens.id', '=', text)
    if (!manages) query = query.where('tokens.id', 'in', ownTokens(tx, caller))
    const row = await query.executeTakeFirst()
    if (row) return row
  }
  const named = await tokenRows(tx)
    .where('tokens.name', '=', text)
    .where('tokens.id', 'in', ownTokens(tx, caller))
    .where('tokens.revoked_at', 'is', null)
    .where(notExpired)
    .limit(2)
    .execute()
  const [only, another] = named
  if (another) throw wrongState('token-ambiguous', `Several of your tokens are called ${text}: give the id.`)
  if (only) return only
  throw notFound('token', JSON.stringify(text), 'List them with `fairway token list`.')
}

/** A workflow's token is its holder's own. */
const ownTokens = (tx: Tx, { access, tokenId }: Identity) =>
  tx
    .selectFrom('tokens')
    .select('id')
    .where((eb) => eb.or([eb('id', '=', tokenId), eb('member_id', '=', access.memberId ?? null)]))

const notExpired = (eb: ExpressionBuilder<Schema, 'tokens'>) =>
  eb.or([eb('tokens.expires_at', 'is', null), eb('tokens.expires_at', '>', new Date())])

const tokenRows = (tx: Tx) =>
  tx
    .selectFrom('tokens')
    .leftJoin('members', 'members.id', 'tokens.member_id')
    .leftJoin('projects', 'projects.id', 'tokens.project_id')
    .selectAll('tokens')
    .select(['members.name as member', 'projects.name as project'])

interface TokenRow extends Selectable<TokensTable> {
  readonly member: string | null
  readonly project: string | null
}

const tokenMessage = (row: TokenRow): Token =>
  create(TokenSchema, {
    id: row.id,
    name: row.name,
    kind: row.kind,
    member: row.member ?? row.actor ?? '',
    scopes: row.scopes,
    project: row.project ?? '',
    createdAt: timestampOf(row.created_at),
    expiresAt: timestampOf(row.expires_at),
    lastUsedAt: timestampOf(row.last_used_at),
    revokedAt: timestampOf(row.revoked_at),
    loginIssuedBy: row.issued_by,
  })
