import { notify } from '../db/signals.ts'
import type { Stage } from '../db/tables/projects.ts'
import type { RunKind, RunsTable } from '../db/tables/runs.ts'
import type { Operation, Tx } from '../db/tenancy.ts'
import type { RunDefinition } from './define.ts'

/** An environment as its row has it. */
export interface RunPlace {
  readonly id: string
  readonly project_id: string
  readonly stage: Stage
}

export interface WantedRun<Input extends object> {
  readonly environment: RunPlace
  readonly branchId?: string | undefined
  readonly trigger: RunsTable['trigger']
  readonly input: Input
  /** Of a build. */
  readonly number?: number
  readonly commit?: string
  readonly commitMessage?: string
  /** Of the login with which it was asked for. */
  readonly requesterIssuers?: readonly string[] | undefined
  /** Of whoever pushed. */
  readonly requesterEmail?: string | undefined
}

/** Runs of another scope have no environment, and the engine none of those. */
export type QueuedDefinition<K extends RunKind, Input extends object> = RunDefinition<K, Input> & {
  readonly scope: 'environment'
}

/**
 * The one way in which a run begins: queued, and due at once; gives its id. The caller holds the project's row lock, has
 * authorized it, and writes what it is for into the audit log in the same transaction.
 */
export async function queueRun<K extends RunKind, Input extends object>(
  tx: Tx,
  op: Operation,
  { kind }: QueuedDefinition<K, Input>,
  wanted: WantedRun<Input>,
): Promise<string> {
  const { environment, branchId, commit = '', commitMessage = '', requesterEmail = '' } = wanted
  const { id } = await tx
    .insertInto('runs')
    .values({
      organization_id: op.organizationId,
      project_id: environment.project_id,
      branch_id: branchId,
      environment_id: environment.id,
      kind,
      number: wanted.number,
      stage: environment.stage,
      commit,
      commit_message: commitMessage,
      trigger: wanted.trigger,
      requested_by: op.actor,
      requester_issuers: [...(wanted.requesterIssuers ?? [])],
      requester_email: requesterEmail,
      input: JSON.stringify(wanted.input),
      advance_at: new Date(),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  await notify(tx, { kind: 'run', id })
  return id
}
