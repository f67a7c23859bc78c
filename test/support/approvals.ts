import type { AppContext } from '../../server/context.ts'
import { operation, withTenant } from '../../server/db/tenancy.ts'
import { type ProtectedRequest, protect, type Verdict } from '../../server/governance/protect.ts'
import { setPolicy } from '../../server/services/governance/policies.ts'
import { noApprovals } from './no-approvals.ts'
import { arrangeBuild, type Tenant } from './tenant.ts'

/** Puts a policy in force, as an owner would. */
export const arrangePolicy = (context: AppContext, tenant: Tenant, yaml: string = noApprovals) =>
  setPolicy(context, tenant.caller, { project: tenant.project, yaml, expectedVersion: 0 })

/** Asks as the scheduler does. */
export const askFor = (
  context: AppContext,
  tenant: Pick<Tenant, 'organizationId' | 'projectId'>,
  request: Partial<ProtectedRequest> = {},
) =>
  withTenant(
    context.db,
    operation(tenant.organizationId, 'scheduler'),
    (tx): Promise<Verdict> =>
      protect(tx, operation(tenant.organizationId, 'scheduler'), {
        action: 'production-deploy',
        projectId: tenant.projectId,
        subject: { commit: 'abc' },
        summary: 'Deploy abc',
        requestedBy: 'github:pia',
        ...request,
      }),
  )

/** An approval that waits, of a build of its own; `broken`: through the broken glass, its review open. */
export async function arrangeApproval(
  context: AppContext,
  tenant: Tenant,
  broken = false,
): Promise<{ approvalId: string; subjectSha256: string }> {
  const build = await arrangeBuild(context, tenant, 'main')
  const verdict = await askFor(context, tenant, { runId: build.runId, environmentId: build.environmentId })
  if (verdict.kind !== 'waiting') throw new Error(`the policy let it pass: ${verdict.kind}`)
  const { approvalId } = verdict
  return await tenant.scope(async (tx) => {
    if (broken) {
      await tx
        .updateTable('approvals')
        .set({ broken_by: 'member:bela', broken_reason: 'the shop is down', broken_at: new Date() })
        .where('id', '=', approvalId)
        .execute()
    }
    const row = await tx
      .selectFrom('approvals')
      .select('subject_sha256')
      .where('id', '=', approvalId)
      .executeTakeFirstOrThrow()
    return { approvalId, subjectSha256: row.subject_sha256 }
  })
}
