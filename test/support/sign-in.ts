import { randomUUID } from 'node:crypto'
import type { AppContext } from '../../server/context.ts'
import { sealAdministrator } from '../../server/governance/administrator-password.ts'
import type { Tenant } from './tenant.ts'

/** Gives an environment a cell with a password that was made for its administrator. */
export async function arrangeSignIn(
  { sealer }: AppContext,
  tenant: Tenant,
  environmentId: string,
): Promise<string> {
  const password = randomUUID()
  const id = randomUUID()
  await tenant.scope(async (tx) => {
    await tx
      .insertInto('cells')
      .values({
        id,
        organization_id: tenant.organizationId,
        project_id: tenant.projectId,
        environment_id: environmentId,
        host_id: tenant.hostId,
        stage: 'staging',
        administrator_login: 'admin',
        administrator_sealed: sealAdministrator(sealer, id, password),
      })
      .execute()
    await tx.updateTable('environments').set({ cell_id: id }).where('id', '=', environmentId).execute()
  })
  return password
}
