import { randomUUID } from 'node:crypto'
import { jsonArrayFrom } from 'kysely/helpers/postgres'
import type { AppContext } from '../../context.ts'
import { operation, type Tx, withTenant } from '../../db/tenancy.ts'
import { DomainError } from '../../errors.ts'
import { type Caller, type CallerAccess, seesAll } from '../../governance/authorize.ts'
import { hashToken } from '../tokens/tokens.ts'
import { branchOfRef } from './workflow-binding.ts'

/** Somebody who presented a valid token. */
export interface Identity extends Caller {
  readonly organization: string
  /** The member's name; for a workflow's token, the workflow. */
  readonly member: string
  readonly tokenId: string
  readonly tokenName: string
  readonly tokenKind: 'session' | 'service' | 'workflow'
  /** The one project that the token is confined to. */
  readonly tokenProjectId?: string
  readonly tokenExpiresAt?: Date
}

/** The same answer for a missing, malformed, unknown, expired and revoked token. */
const refused = () =>
  new DomainError('unauthenticated', 'token-invalid', 'This needs a valid token. Run `fairway login`.')

/** How often a token's last use is written down. */
const lastUseMs = 60_000

/** Who the value of an `Authorization` header speaks for. Throws `unauthenticated`. */
export async function authenticate(
  context: AppContext,
  authorization: string | null,
  requestId: string = randomUUID(),
): Promise<Identity> {
  const token = /^Bearer (ft_[\w-]{20,100})$/i.exec(authorization ?? '')?.[1]
  if (!token) throw refused()
  const found = await tokenHeads(context).where('token_hash', '=', hashToken(token)).executeTakeFirst()
  return await identify(context, found, requestId)
}

/** Who a token that was presented a while ago speaks for now. Throws `unauthenticated` once it has ended. */
export async function reauthenticate(
  context: AppContext,
  { tokenId, requestId }: Pick<Identity, 'tokenId' | 'requestId'>,
): Promise<Identity> {
  return await identify(
    context,
    await tokenHeads(context).where('id', '=', tokenId).executeTakeFirst(),
    requestId,
  )
}

const tokenHeads = ({ db }: AppContext) =>
  db.scheduler.selectFrom('tokens').select(['id', 'organization_id', 'expires_at', 'revoked_at'])

type TokenHead = Awaited<ReturnType<ReturnType<typeof tokenHeads>['executeTakeFirst']>>

async function identify({ db }: AppContext, found: TokenHead, requestId: string): Promise<Identity> {
  if (!found || found.revoked_at || (found.expires_at && found.expires_at <= new Date())) throw refused()
  const server = operation(found.organization_id, 'server', requestId)
  return await withTenant(db, server, async (tx) => {
    const row = await findTokenRow(tx, found.id)
    if (!row || (row.member_id && row.member_removed_at)) throw refused()
    if (!row.last_used_at || Date.now() - row.last_used_at.getTime() > lastUseMs) {
      const now = new Date()
      await tx.updateTable('tokens').set({ last_used_at: now }).where('id', '=', found.id).execute()
      if (row.member_id) {
        await tx.updateTable('members').set({ last_seen_at: now }).where('id', '=', row.member_id).execute()
      }
    }
    const member = row.actor ?? row.member ?? ''
    return {
      organizationId: found.organization_id,
      organization: row.organization,
      actor: row.actor ?? `member:${member}`,
      member,
      tokenId: found.id,
      tokenName: row.name,
      tokenKind: row.kind,
      tokenProjectId: row.project_id ?? undefined,
      tokenExpiresAt: found.expires_at ?? undefined,
      requestId,
      access: accessOf(row),
    }
  })
}

/** No branch is called that: git lets no name begin with a slash. */
const noBranch = '/'

type TokenRow = NonNullable<Awaited<ReturnType<typeof findTokenRow>>>

const findTokenRow = (tx: Tx, id: string) =>
  tx
    .selectFrom('tokens')
    .innerJoin('organizations', 'organizations.id', 'tokens.organization_id')
    .leftJoin('members', 'members.id', 'tokens.member_id')
    .select((eb) => [
      'organizations.name as organization',
      'members.name as member',
      'members.role',
      'members.removed_at as member_removed_at',
      'tokens.name',
      'tokens.kind',
      'tokens.actor',
      'tokens.issued_by',
      'tokens.workflow_ref',
      'tokens.workflow_commit',
      'tokens.scopes',
      'tokens.member_id',
      'tokens.project_id',
      'tokens.last_used_at',
      jsonArrayFrom(
        eb
          .selectFrom('project_members')
          .select(['project_members.project_id', 'project_members.role'])
          .whereRef('project_members.member_id', '=', 'tokens.member_id')
          .where('project_members.ended_at', 'is', null),
      ).as('project_roles'),
      jsonArrayFrom(
        eb
          .selectFrom('grants')
          .select('grants.project_id')
          .distinct()
          .whereRef('grants.member_id', '=', 'tokens.member_id')
          .where('grants.revoked_at', 'is', null)
          .where('grants.expires_at', '>', new Date()),
      ).as('granted'),
    ])
    .where('tokens.id', '=', id)
    .executeTakeFirst()

function accessOf(row: TokenRow): CallerAccess {
  if (!row.member_id || !row.role) {
    const ref = row.workflow_ref ?? ''
    return {
      role: 'workflow',
      projects: row.project_id ? [row.project_id] : [],
      projectRoles: new Map(),
      scopes: row.scopes,
      workflow: { ref, commit: row.workflow_commit ?? '' },
      // Of a tag: a name that no branch has.
      branch: branchOfRef(ref) ?? noBranch,
    }
  }
  const own = [...row.project_roles, ...row.granted].map(({ project_id }) => project_id)
  const visible = seesAll(row.role) ? 'all' : [...new Set(own)]
  const confined = row.project_id && (visible === 'all' || visible.includes(row.project_id))
  return {
    role: row.role,
    memberId: row.member_id,
    tokenProjectId: row.project_id ?? undefined,
    projects: row.project_id ? (confined ? [row.project_id] : []) : visible,
    projectRoles: new Map(row.project_roles.map(({ project_id, role }) => [project_id, role])),
    scopes: row.scopes,
    loginIssuers: row.issued_by,
  }
}
