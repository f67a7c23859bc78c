import { audit } from './audit.ts'
import { notify } from './signals.ts'
import type { Stage } from './tables/projects.ts'
import type { Operation, Tx } from './tenancy.ts'

export interface PlacedEnvironment {
  readonly id: string
  readonly name: string
  readonly stage: Stage
  readonly branch_id: string
  readonly project_id: string
  /** The project's name. */
  readonly project: string
}

export interface WantedEnvironmentRun {
  readonly kind: 'start' | 'stop' | 'destroy'
  readonly trigger: 'manual' | 'system'
  /** Why, for the audit log, where it is not just what somebody asked for. */
  readonly because?: string
  readonly requesterIssuers?: readonly string[]
}

/**
 * Queues a run that starts, stops or destroys an environment, with its audit event; gives its id. The caller holds the
 * project's row lock.
 */
export async function queueEnvironmentRun(
  tx: Tx,
  op: Operation,
  environment: PlacedEnvironment,
  { kind, trigger, because, requesterIssuers = [] }: WantedEnvironmentRun,
): Promise<string> {
  const { id, project_id, branch_id, stage } = environment
  const run = await tx
    .insertInto('runs')
    .values({
      organization_id: op.organizationId,
      project_id,
      branch_id,
      environment_id: id,
      kind,
      stage,
      trigger,
      requested_by: op.actor,
      requester_issuers: [...requesterIssuers],
      advance_at: new Date(),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const details = { project: environment.project, environment: environment.name, run: run.id, because }
  await audit(tx, op, `environment.${kind}`, { kind: 'environment', id, projectId: project_id }, details)
  await notify(tx, { kind: 'run', id: run.id })
  return run.id
}
