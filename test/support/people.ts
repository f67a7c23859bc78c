import { randomUUID } from 'node:crypto'
import type { MemberRole, ProjectRole } from '../../server/governance/matrix.ts'
import { createToken } from '../../server/services/tokens/tokens.ts'
import type { Tenant } from './tenant.ts'

/** A plain member with the role developer in the tenant's project; gives the name. */
export async function arrangeMember(tenant: Tenant, role: MemberRole = 'member'): Promise<string> {
  const name = `m-${randomUUID().slice(0, 8)}`
  await tenant.scope((tx) =>
    tx.insertInto('members').values({ organization_id: tenant.organizationId, name, role }).execute(),
  )
  await giveProjectRole(tenant, name, 'developer')
  return name
}

export async function giveProjectRole(tenant: Tenant, member: string, role: ProjectRole): Promise<void> {
  const member_id = await memberId(tenant, member)
  await tenant.scope((tx) =>
    tx
      .insertInto('project_members')
      .values({
        organization_id: tenant.organizationId,
        project_id: tenant.projectId,
        member_id,
        role,
        given_by: 'test',
      })
      .execute(),
  )
}

/** A grant of a shell in the tenant's project, for an hour; gives its id. */
export async function arrangeGrant(tenant: Tenant): Promise<string> {
  const member_id = await memberId(tenant, await arrangeMember(tenant))
  const { id } = await tenant.scope((tx) =>
    tx
      .insertInto('grants')
      .values({
        organization_id: tenant.organizationId,
        project_id: tenant.projectId,
        member_id,
        permission: 'shell',
        granted_by: 'test',
        expires_at: new Date(Date.now() + 3_600_000),
      })
      .returning('id')
      .executeTakeFirstOrThrow(),
  )
  return id
}

/** A token of a member of its own; gives its id. */
export async function arrangeToken(tenant: Tenant): Promise<string> {
  return (await insertToken(tenant, await arrangeMember(tenant))).id
}

/** A member who has logged in before, where another owner could confirm a recovery; gives the name. */
export async function arrangeLostAccess(tenant: Tenant): Promise<string> {
  await arrangeMember(tenant, 'owner')
  const member = await arrangeMember(tenant)
  await insertToken(tenant, member)
  return member
}

/** The same, and another owner has asked for it. */
export async function arrangeRecovery(tenant: Tenant): Promise<string> {
  const asker = await arrangeMember(tenant, 'owner')
  const member = await arrangeLostAccess(tenant)
  const member_id = await memberId(tenant, member)
  await tenant.scope((tx) =>
    tx
      .insertInto('member_recoveries')
      .values({
        organization_id: tenant.organizationId,
        member_id,
        requested_by: `member:${asker}`,
        expires_at: new Date(Date.now() + 3_600_000),
      })
      .execute(),
  )
  return member
}

/** A further token of the member; gives the token. */
export async function arrangeSecret(tenant: Tenant, member: string): Promise<string> {
  return (await insertToken(tenant, member)).token
}

async function insertToken(tenant: Tenant, member: string): Promise<{ id: string; token: string }> {
  const { token, hash } = createToken('ft_')
  const member_id = await memberId(tenant, member)
  const { id } = await tenant.scope((tx) =>
    tx
      .insertInto('tokens')
      .values({
        organization_id: tenant.organizationId,
        member_id,
        name: `of ${member}`,
        token_hash: hash,
      })
      .returning('id')
      .executeTakeFirstOrThrow(),
  )
  return { id, token }
}

async function memberId(tenant: Tenant, name: string): Promise<string> {
  const { id } = await tenant.scope((tx) =>
    tx.selectFrom('members').select('id').where('name', '=', name).executeTakeFirstOrThrow(),
  )
  return id
}
