import { sql } from 'kysely'
import type { AppContext } from '../../server/context.ts'
import { setSecret } from '../../server/services/governance/secrets.ts'
import type { Tenant } from './tenant.ts'

/** A secret of the tenant's project, in a scope that exists. */
export async function arrangeSecretValue(
  context: AppContext,
  tenant: Tenant,
  { name = 'API_TOKEN', scope = '', value = 'a-value-nobody-else-has' } = {},
): Promise<void> {
  await setSecret(context, tenant.caller, { project: tenant.project, name, scope, value, rotate: false })
}

/** From here on the project's policy lets its secrets be read without an approval. */
export async function letSecretsBeRead(tenant: Tenant): Promise<void> {
  await tenant.scope((tx) =>
    sql`insert into policies (organization_id, project_id, version, source, document, sha256, set_by)
      select ${tenant.organizationId}, ${tenant.projectId}, coalesce(max(version), 0) + 1, '', ${JSON.stringify({ approvals: { 'secret-read': 'none' } })}::jsonb, '', 'test'
      from policies where project_id = ${tenant.projectId}`.execute(tx),
  )
}
