import { audit } from '../../db/audit.ts'
import type { RunKind } from '../../db/tables/runs.ts'
import type { Tx } from '../../db/tenancy.ts'
import type { Caller } from '../../governance/authorize.ts'
import type { Production } from '../../releases/production.ts'
import { type QueuedDefinition, queueRun } from '../../runs/queue.ts'

export interface WantedRun<Input extends object> {
  /** Where the commit comes from; none: what was live before. */
  readonly branchId?: string
  readonly commit?: string
  readonly commitMessage?: string
  readonly input: Input
  /** Of the audit event. */
  readonly action: string
  readonly details: Record<string, unknown>
}

/** Queues a run of production, with its audit event. */
export async function queueProductionRun<K extends RunKind, Input extends object>(
  tx: Tx,
  caller: Caller,
  { environment }: Production,
  definition: QueuedDefinition<K, Input>,
  { action, details, ...wanted }: WantedRun<Input>,
): Promise<string> {
  const runId = await queueRun(tx, caller, definition, {
    ...wanted,
    environment,
    trigger: 'manual',
    requesterIssuers: caller.access.loginIssuers,
  })
  const subject = { kind: 'run', id: runId, projectId: environment.project_id }
  await audit(tx, caller, action, subject, { environment: environment.name, ...details })
  return runId
}
