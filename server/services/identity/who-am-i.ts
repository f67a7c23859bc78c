import { create } from '@bufbuild/protobuf'
import { type WhoAmIResponse, WhoAmIResponseSchema } from '../../../proto/gen/fairway/v1/identity_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { operation, withTenant } from '../../db/tenancy.ts'
import { timestampOf } from '../messages.ts'
import { serverVersion } from '../version.ts'
import type { Identity } from './authenticate.ts'
import { loginNotices } from './login-notices.ts'

/** Who the presented token speaks for, and what it is confined to. */
export async function whoAmI({ db, config }: AppContext, caller: Identity): Promise<WhoAmIResponse> {
  const { access } = caller
  const { projects, notices } = await withTenant(db, caller, async (tx) => ({
    projects: await tx
      .selectFrom('projects')
      .select(['id', 'name'])
      .where('id', 'in', ['00000000-0000-0000-0000-000000000000', ...access.projectRoles.keys()])
      .orderBy('name')
      .execute(),
    notices: access.memberId ? await loginNotices(tx, [access.memberId]) : undefined,
  }))
  return create(WhoAmIResponseSchema, {
    organization: caller.organization,
    member: caller.member,
    role: access.role,
    tokenName: caller.tokenName,
    serverVersion,
    projectRoles: projects.map(({ id, name }) => ({
      project: name,
      role: access.projectRoles.get(id) ?? '',
    })),
    scopes: [...access.scopes],
    expiresAt: timestampOf(caller.tokenExpiresAt),
    serverAdvice: access.role === 'owner' ? [...config.warnings] : [],
    loginIssuedBy: [...(access.loginIssuers ?? [])],
    notices: notices?.get(access.memberId ?? ''),
  })
}

/** Ends the presented token. Whoever holds one may always do that, whatever it is confined to. */
export async function logout({ db }: AppContext, caller: Identity): Promise<void> {
  const op = operation(caller.organizationId, caller.actor, caller.requestId)
  await withTenant(db, op, async (tx) => {
    const now = new Date()
    await tx.updateTable('tokens').set({ revoked_at: now }).where('id', '=', caller.tokenId).execute()
    await audit(tx, op, 'session.end', { kind: 'token', id: caller.tokenId }, { name: caller.tokenName })
  })
}
