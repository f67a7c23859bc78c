import { audit } from '../db/audit.ts'
import type { Operation, Tx } from '../db/tenancy.ts'
import { queueRun, type RunPlace } from '../runs/queue.ts'
import { destroyRun } from './destroy/definition.ts'
import { startRun } from './start/definition.ts'
import { stopRun } from './stop/definition.ts'

const definitions = { start: startRun, stop: stopRun, destroy: destroyRun }

export interface PlacedEnvironment extends RunPlace {
  readonly name: string
  readonly branch_id: string
  /** The project's name. */
  readonly project: string
}

export interface WantedEnvironmentRun {
  readonly kind: keyof typeof definitions
  readonly trigger: 'manual' | 'system'
  /** Why, for the audit log, where it is not just what somebody asked for. */
  readonly because?: string
  readonly requesterIssuers?: readonly string[] | undefined
}

/**
 * Queues a run that starts, stops or destroys an environment, with its audit event; gives its id. The caller holds the
 * project's row lock.
 */
export async function queueEnvironmentRun(
  tx: Tx,
  op: Operation,
  environment: PlacedEnvironment,
  { kind, trigger, because, requesterIssuers }: WantedEnvironmentRun,
): Promise<string> {
  const { id, project_id: projectId, branch_id: branchId } = environment
  const run = await queueRun(tx, op, definitions[kind], {
    environment,
    branchId,
    trigger,
    requesterIssuers,
    input: {},
  })
  const details = { project: environment.project, environment: environment.name, run, because }
  await audit(tx, op, `environment.${kind}`, { kind: 'environment', id, projectId }, details)
  return run
}
