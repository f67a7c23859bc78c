import { audit } from '../../db/audit.ts'
import type { RunInput } from '../../db/record.ts'
import { notify } from '../../db/signals.ts'
import type { RunKind } from '../../db/tables/runs.ts'
import type { Tx } from '../../db/tenancy.ts'
import type { Caller } from '../../governance/authorize.ts'
import type { Production } from '../../releases/production.ts'

export interface WantedRun {
  readonly kind: Extract<RunKind, 'rehearse' | 'promote' | 'rollback' | 'inspect'>
  /** Where the commit comes from; none: what was live before. */
  readonly branchId?: string
  readonly commit?: string
  readonly commitMessage?: string
  readonly input: RunInput
  /** Of the audit event. */
  readonly action: string
  readonly details: Record<string, unknown>
}

/** Queues a run of production, with its audit event. */
export async function queueProductionRun(
  tx: Tx,
  caller: Caller,
  { environment }: Production,
  wanted: WantedRun,
): Promise<string> {
  const run = await tx
    .insertInto('runs')
    .values({
      organization_id: caller.organizationId,
      project_id: environment.project_id,
      branch_id: wanted.branchId,
      environment_id: environment.id,
      kind: wanted.kind,
      stage: environment.stage,
      commit: wanted.commit ?? '',
      commit_message: wanted.commitMessage ?? '',
      trigger: 'manual',
      requested_by: caller.actor,
      requester_issuers: [...(caller.access.loginIssuers ?? [])],
      input: JSON.stringify(wanted.input),
      advance_at: new Date(),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const subject = { kind: 'run', id: run.id, projectId: environment.project_id }
  await audit(tx, caller, wanted.action, subject, { environment: environment.name, ...wanted.details })
  await notify(tx, { kind: 'run', id: run.id })
  return run.id
}
