import { create, fromJson, type JsonValue, type MessageInitShape, toJson } from '@bufbuild/protobuf'
import { type TaskKind, taskKinds } from '../../lib/tasks/task-kinds.ts'
import {
  type TaskOutput,
  TaskOutputSchema,
  TaskSpecSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { markDirty } from '../db/dirty-cells.ts'
import { notify } from '../db/signals.ts'
import type { RunStatus } from '../db/tables/runs.ts'
import type { FailedEffect, RunState, StepRow, TaskRow } from './run-state.ts'

// What the engine writes into its own tables, and how it reads it again.

export type SpecInit = Exclude<
  NonNullable<MessageInitShape<typeof TaskSpecSchema>['kind']>,
  { case?: undefined }
>
export type TaskOutputOf<K extends TaskKind> = Extract<TaskOutput['kind'], { case: K }>['value']

export interface WantedTask {
  readonly key: string
  readonly attempt: number
  readonly ordinal: number | null
  readonly spec: SpecInit
  readonly stepId: string
  readonly hostId: string
  readonly timeoutMs: number
  readonly always: boolean
  readonly authorizationId: string | null
}

export async function insertTask({ tx, run }: RunState, wanted: WantedTask): Promise<void> {
  const spec = toJson(TaskSpecSchema, create(TaskSpecSchema, { kind: wanted.spec }))
  await tx
    .insertInto('tasks')
    .values({
      organization_id: run.organization_id,
      run_id: run.id,
      step_id: wanted.stepId,
      host_id: wanted.hostId,
      key: wanted.key,
      attempt: wanted.attempt,
      ordinal: wanted.ordinal,
      kind: wanted.spec.case,
      spec: JSON.stringify(spec),
      max_attempts: taskKinds[wanted.spec.case].attempts,
      timeout_ms: wanted.timeoutMs,
      always: wanted.always,
      authorization_id: wanted.authorizationId,
    })
    .execute()
  await markDirty(tx, wanted.spec.case, spec)
  await notify(tx, { kind: 'task', id: wanted.hostId })
}

/** `ordinal`: null inside another. */
export async function insertEffect(
  { tx, run, effects }: RunState,
  key: string,
  value: unknown,
  ordinal: number | null,
): Promise<void> {
  const row = { organization_id: run.organization_id, run_id: run.id, key, ordinal }
  await tx
    .insertInto('effects')
    .values({ ...row, value: JSON.stringify(value ?? null) })
    .execute()
  effects.set(key, value ?? null)
}

export async function insertFailedEffect(
  { tx, run, failedEffects }: RunState,
  key: string,
  error: FailedEffect,
  ordinal: number | null,
): Promise<void> {
  const row = { organization_id: run.organization_id, run_id: run.id, key, ordinal }
  await tx
    .insertInto('effects')
    .values({ ...row, error: JSON.stringify(error) })
    .execute()
  failedEffects.set(key, error)
}

/** Those that a run is to have are there from its beginning; one that a later version added comes last. */
export async function enterStep(state: RunState, name: string, ordinal: number): Promise<StepRow> {
  const { tx, run, steps } = state
  const known = steps.get(name)
  const entered = { status: 'running', started_at: new Date(), ordinal } as const
  const row = known
    ? await tx
        .updateTable('steps')
        .set(entered)
        .where('id', '=', known.id)
        .returningAll()
        .executeTakeFirstOrThrow()
    : await tx
        .insertInto('steps')
        .values({
          ...entered,
          organization_id: run.organization_id,
          run_id: run.id,
          name,
          position: steps.size,
        })
        .returningAll()
        .executeTakeFirstOrThrow()
  steps.set(name, row)
  return row
}

export async function endStep(
  { tx }: RunState,
  row: StepRow,
  status: RunStatus,
  summary: string,
): Promise<void> {
  const saved = await tx
    .updateTable('steps')
    .set({ status, summary, finished_at: new Date() })
    .where('id', '=', row.id)
    .returningAll()
    .executeTakeFirstOrThrow()
  Object.assign(row, saved)
}

export function outputOf<K extends TaskKind>(row: TaskRow, kind: K): TaskOutputOf<K> {
  const output = readOutput(row)
  if (output.kind.case !== kind) throw new Error(`Task ${row.id} (${kind}) succeeded without its output`)
  return output.kind.value as TaskOutputOf<K>
}

export const readOutput = ({ output }: TaskRow): TaskOutput =>
  fromJson(TaskOutputSchema, (output ?? {}) as JsonValue, { ignoreUnknownFields: true })
